// A small REST service, as a building block is: answers /api/v1, says that it is well, ends when told.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

export function start(port = 8080, host = '0.0.0.0') {
  const notes = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const send = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (pathname === '/health') return send(200, { status: 'ok' });
    if (pathname === '/api/v1' && request.method === 'GET')
      return send(200, { service: 'rest-app', version: 'v1', notes: notes.size });
    const id = /^\/api\/v1\/notes\/([\w-]{1,64})$/.exec(pathname)?.[1];
    if (id !== undefined && request.method === 'GET')
      return notes.has(id) ? send(200, { id, text: notes.get(id) }) : send(404, { error: 'no such note' });
    if (id !== undefined && request.method === 'PUT') {
      let text = '';
      for await (const part of request) {
        text += part;
        if (text.length > 10_000) return send(413, { error: 'a note has at most 10000 characters' });
      }
      // Bounded: this is an example and keeps everything in memory.
      if (notes.size >= 1000 && !notes.has(id)) return send(507, { error: 'a thousand notes are enough' });
      notes.set(id, text);
      return send(201, { id, text });
    }
    return send(404, { error: 'not found' });
  });
  return new Promise((resolve) => server.listen(port, host, () => resolve(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await start(Number(process.env.PORT ?? 8080));
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
}
