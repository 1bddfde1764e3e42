import { bytesField, destinationField, durationField, hostField, hostPortField, listenField } from '@postern/core';
import { z } from 'zod';

/** What the files of all three programs share. Paths in them are relative to the file. */

export const apiVersion = 'postern.dev/v1';

const second = 1000;
const day = 86_400_000;

/** Fields of every daemon, with the defaults of the contract. */
export const daemonFields = {
  /** Where /readyz, /healthz, /metrics and the control of the daemon answer. */
  admin: listenField(),
  adminTokenFile: z
    .string()
    .min(1)
    .optional()
    .describe('File with the bearer token; needed where admin is not loopback.'),
  memoryBudget: bytesField({
    min: 64 * 2 ** 20,
    description: 'Bytes that the process may buffer in total; beyond it readers wait.',
  }).prefault('256MiB'),
  drainTimeout: durationField({
    maxMs: day,
    description: 'How long running connections may take to end after SIGTERM.',
  }).prefault('10s'),
} as const;

/** Fields of the programs that dial or carry connections. */
export const carrierFields = {
  dialTimeout: durationField({ minMs: 100, maxMs: 600 * second, description: 'How long a dial may take.' }).prefault(
    '10s',
  ),
  idleTimeout: z
    .union([
      z.literal('none').transform(() => undefined),
      durationField({ minMs: second, maxMs: 365 * day, description: 'How long a connection may be silent.' }),
    ])
    .prefault('none'),
  halfClosedTimeout: durationField({
    minMs: second,
    maxMs: 365 * day,
    description: 'How long a half-closed connection may be silent.',
  }).prefault('10m'),
} as const;

/** Fields of the programs that dial the server. */
export const peerFields = {
  server: hostPortField(),
  serverName: hostField()
    .optional()
    .describe('The name in the server certificate, where it differs from the host of `server`.'),
  serverCA: z.string().min(1).describe('PEM file with the roots that may have signed the server certificate.'),
  credentials: z.string().min(1).describe('The identity: a service account key file, mode 0600.'),
} as const;

export { destinationField, durationField, hostField, hostPortField, listenField };
