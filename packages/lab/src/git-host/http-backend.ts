import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PosternError } from '@postern/core';

/** git's own smart HTTP server (gitprotocol-http(5)), a CGI program, behind a node:http request. */

/** The program, or an error that says how to get it. */
export function findHttpBackend(): string {
  let folder: string;
  try {
    folder = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();
  } catch (error) {
    throw new PosternError('GIT_MISSING', 'git is not installed, or not on the PATH', {
      hint: 'install git 2.20 or newer',
      cause: error,
    });
  }
  const program = join(folder, process.platform === 'win32' ? 'git-http-backend.exe' : 'git-http-backend');
  if (existsSync(program)) return program;
  throw new PosternError('GIT_HTTP_BACKEND_MISSING', `git's HTTP server is not installed: no ${program}`, {
    hint: 'Debian, Fedora and macOS have it in the package "git"; Alpine in "git-daemon"',
  });
}

/** CGI headers are a few lines; more is not from git. */
const cgiHeadBytesMax = 16 * 1024;

export interface Backend {
  readonly program: string;
  /** The folder whose repositories are served, read only. */
  readonly root: string;
}

/** Answers one request with `git http-backend`. */
export function serveGit(backend: Backend, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://git');
  const child = spawn(backend.program, [], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...cgiEnvironment(request, url), GIT_PROJECT_ROOT: backend.root, GIT_HTTP_EXPORT_ALL: '1' },
  });
  const fail = (status: number): void => {
    if (response.headersSent) response.destroy();
    else response.writeHead(status).end();
  };
  child.once('error', () => fail(500));
  child.stdin.on('error', () => {}); // it may answer without reading everything
  request.pipe(child.stdin);
  response.once('close', () => child.kill());
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (head.length > cgiHeadBytesMax) child.kill();
      return;
    }
    child.stdout.off('data', onHead);
    const { status, headers } = parseCgiHead(head.subarray(0, end).toString('latin1'));
    response.writeHead(status, headers);
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onHead);
  child.once('close', () => {
    if (!response.headersSent) fail(500);
  });
}

/** RFC 3875 section 6: header lines, with the status as a header of its own. */
export function parseCgiHead(text: string): { status: number; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10) || 500;
    else headers[name] = value;
  }
  return { status, headers };
}

function cgiEnvironment(request: IncomingMessage, url: URL): Record<string, string> {
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: header('content-type'),
    CONTENT_LENGTH: header('content-length'), // empty for a chunked body: it then reads to the end
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    GIT_PROTOCOL: header('git-protocol'),
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
  };
}
