import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hostText, PosternError } from '@postern/core';
import { readConfig } from '@postern/daemon';
import { serverSchema } from '@postern/tunnel/config';

/** What `--dir DIR` stands for: the directory that `postern tunnel init` made. */
export interface ServerDirectory {
  readonly dataDir: string;
  readonly serverName: string | undefined;
}

/** Finds the data directory by server.yaml, or as `DIR/data` where that file is kept elsewhere. */
export function serverDirectory(dir: string): ServerDirectory {
  const config = join(dir, 'server.yaml');
  if (existsSync(config)) {
    const { dataDir, serverName } = readConfig(config, serverSchema);
    return { dataDir: resolve(dir, dataDir), serverName: hostText(serverName) };
  }
  const dataDir = join(dir, 'data');
  if (existsSync(dataDir)) return { dataDir, serverName: undefined };
  throw new PosternError('NOT_INITIALISED', `${resolve(dir)} holds neither server.yaml nor data/`, {
    hint: `postern tunnel init --dir ${dir}`,
    exitCode: 2,
  });
}
