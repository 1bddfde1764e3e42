import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { errorMessage, type ListenAddress } from '@postern/core';
import { ec2Answer, toXml } from './ec2.ts';
import type { LabServer } from '../gcp/server.ts';
import type { LabState } from './state.ts';

/** An EC2 endpoint (query API) that answers what a check of the VPN reads: `AWS_ENDPOINT_URL_EC2=http://HOST:PORT`. */

/** A question is a few hundred bytes. */
const bodyBytesMax = 64 * 1024;
const namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';

export async function startEc2Server(listen: ListenAddress, state: () => Promise<LabState>): Promise<LabServer> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
      if (body.length > bodyBytesMax) request.destroy();
    });
    request.on('error', () => {});
    request.on('end', () => {
      void (async () => {
        const action = new URLSearchParams(body).get('Action') ?? '';
        const { status, text } = await state()
          .then((now) => reply(action, now))
          .catch((error: unknown) => failure(503, 'Unavailable', errorMessage(error)));
        response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' });
        response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
      })();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: listen.host, port: listen.port }, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply(action: string, state: LabState): { status: number; text: string } {
  const result = ec2Answer(action, state);
  if (result === undefined) return failure(400, 'InvalidAction', `the VPN lab does not answer ${action}`);
  return {
    status: 200,
    text: `<${action}Response xmlns="${namespace}"><requestId>${randomUUID()}</requestId>${toXml(result)}</${action}Response>`,
  };
}

function failure(status: number, code: string, message: string): { status: number; text: string } {
  return {
    status,
    text: `<Response><Errors><Error><Code>${code}</Code><Message>${toXml(message)}</Message></Error></Errors><RequestID>${randomUUID()}</RequestID></Response>`,
  };
}
