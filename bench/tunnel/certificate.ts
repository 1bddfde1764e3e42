/** A certificate that both ends of each TLS leg show and trust: they do mutual TLS as Postern does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@postern/testing';
import type { World } from './world.ts';

export interface Certificate {
  readonly key: string;
  readonly certificate: string;
  /** Both in one file. */
  readonly bundle: string;
}

const made = new WeakMap<World, Promise<Certificate>>();

export function certificateOf(world: World): Promise<Certificate> {
  const known = made.get(world) ?? make(world);
  made.set(world, known);
  return known;
}

async function make(world: World): Promise<Certificate> {
  const key = join(world.dir, 'leg.key');
  const certificate = join(world.dir, 'leg.pem');
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const { code, stderr } = await run('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', certificate]);
  if (code !== 0) throw new Error(`openssl req ended with ${code}: ${stderr}`);
  const bundle = world.file('leg-bundle.pem', readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  return { key, certificate, bundle };
}
