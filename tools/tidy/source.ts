/** Reads the repository as text for the tidy tests: which files there are, what they import. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = dirname(dirname(import.meta.dirname));

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Module specifiers of static and dynamic imports and re-exports. */
  readonly imports: readonly string[];
  readonly isTest: boolean;
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^;'"`]*?from\s*['"]([^'"]+)['"]|(?:^|\n)import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

export function sourceFiles(): SourceFile[] {
  return globSync(['packages/*/src/**/*.{ts,tsx}', 'tools/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'], { cwd: root })
    .filter((path) => !path.includes('node_modules') && !path.endsWith('.d.ts'))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const imports = [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3]!);
      return { path, text, imports, isTest: path.endsWith('.test.ts') || !path.startsWith('packages/') };
    });
}

/** `@aws-sdk/client-ec2/x` -> `@aws-sdk/client-ec2`; undefined for relative and built-in modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

export function packages(): string[] {
  return globSync('packages/*/package.json', { cwd: root }).map((path) => path.split('/')[1]!);
}
