/** The repository tests itself: arrows, purity, declared dependencies, file headers, sizes, the agent's dependency closure. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { arrows, fileLinesMax, forbiddenInAgent, impure, pureFolders, worldlyFolders } from './rooms.ts';
import { manifest, packageOf, packages, root, sourceFiles } from './source.ts';

const files = sourceFiles();
const shipped = files.filter((file) => !file.isTest);

test('packages import only what lies below them', () => {
  for (const file of shipped) {
    const [, name] = file.path.split('/') as [string, string];
    const allowed = arrows[name];
    assert.ok(allowed, `${name} has no row in tools/tidy/rooms.ts`);
    for (const specifier of file.imports) {
      const other = /^@postern\/([^/]+)/.exec(specifier)?.[1];
      if (other !== undefined)
        assert.ok(
          allowed.includes(other),
          `${file.path} imports @postern/${other}; ${name} may import ${allowed.join(', ') || 'nothing'}`,
        );
      if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(file.path), specifier));
        assert.ok(target.startsWith(`packages/${name}/`), `${file.path} reaches into ${target}`);
      }
    }
  }
});

test('every bare import is declared by its own package', () => {
  for (const file of shipped) {
    const folder = file.path.split('/').slice(0, 2).join('/');
    const declared = manifest(folder).dependencies ?? {};
    for (const name of file.imports.map(packageOf)) {
      if (name !== undefined)
        assert.ok(name in declared, `${file.path} imports ${name}, which ${folder}/package.json does not declare`);
    }
  }
});

test('every declared dependency is used', () => {
  for (const name of packages()) {
    if (
      !existsSync(join(root, `packages/${name}/src`)) ||
      shipped.filter((file) => file.path.startsWith(`packages/${name}/`)).length < 2
    )
      continue;
    const used = new Set(
      files.filter((file) => file.path.startsWith(`packages/${name}/`)).flatMap((file) => file.imports.map(packageOf)),
    );
    const peers = new Set([...used].flatMap((dependency) => (dependency === undefined ? [] : peersOf(dependency))));
    for (const dependency of Object.keys(manifest(`packages/${name}`).dependencies ?? {})) {
      if (peers.has(dependency)) continue;
      if (aheadOfUse[name]?.includes(dependency) === true) continue;
      // The command line names every room, also those whose commands are still to come.
      if (name === 'cli' && dependency.startsWith('@postern/')) continue;
      assert.ok(
        used.has(dependency),
        `packages/${name}/package.json declares ${dependency}, which nothing there imports`,
      );
    }
  }
});

/** Declared before the code that will use it: this list must end empty. */
const aheadOfUse: Readonly<Record<string, readonly string[]>> = {
  infra: ['@aws-sdk/client-ec2', 'google-auth-library'],
  'tunnel-server': ['@postern/resources'],
};

/** What a dependency wants its user to install beside it. */
function peersOf(dependency: string): string[] {
  const file = join(root, 'node_modules', dependency, 'package.json');
  if (!existsSync(file)) return [];
  const { peerDependencies } = JSON.parse(readFileSync(file, 'utf8')) as { peerDependencies?: Record<string, string> };
  return Object.keys(peerDependencies ?? {});
}

function isPure(path: string): boolean {
  const within = (folder: string): boolean => path.startsWith(`${folder}/`);
  return pureFolders.some(within) && !worldlyFolders.some(within);
}

test('PURE folders touch no world', () => {
  for (const file of shipped) {
    if (!isPure(file.path)) continue;
    for (const [i, line] of file.text.split('\n').entries()) {
      if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue;
      for (const { pattern, instead } of impure)
        assert.ok(!pattern.test(line), `${file.path}:${i + 1} is in a PURE folder: ${line.trim()} -- ${instead}`);
    }
    for (const specifier of file.imports.filter((s) => s.startsWith('.'))) {
      const target = normalize(join(dirname(file.path), specifier));
      assert.ok(isPure(target), `${file.path} is PURE and imports ${target}, which is not`);
    }
  }
});

test('every file says what it is for, and is not too long', () => {
  for (const file of files) {
    if (file.path.endsWith('.gen.ts')) continue;
    assert.match(file.text, /\/\*\*|\/\/ /, `${file.path} has no comment that says what it is for`);
    const lines = file.text.split('\n').length;
    assert.ok(lines <= fileLinesMax, `${file.path} has ${lines} lines: what are its two halves?`);
  }
});

test('nothing but tests imports @postern/testing', () => {
  for (const file of shipped) {
    if (file.path.startsWith('packages/testing/')) continue;
    assert.ok(!file.imports.some((specifier) => specifier.startsWith('@postern/testing')), file.path);
  }
});

test('no fixed sleeps and no disabled tests', () => {
  for (const file of files.filter((f) => f.isTest && !f.path.startsWith('tools/tidy/'))) {
    assert.ok(!/\b(test|it|describe)\.(only|skip|todo)\b/.test(file.text), `${file.path} switches a test off`);
  }
});

/** Everything `name` needs at run time, by the lock file's resolution rules. */
function closure(name: string): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<
      string,
      {
        dependencies?: Record<string, string>;
        optionalDependencies?: Record<string, string>;
        link?: boolean;
        resolved?: string;
      }
    >;
  };
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const entry = lock.packages[path];
    const wanted = Object.keys({ ...entry?.dependencies, ...entry?.optionalDependencies });
    for (const dependency of wanted) {
      let folder = path;
      for (;;) {
        const candidate = folder === '' ? `node_modules/${dependency}` : `${folder}/node_modules/${dependency}`;
        const found = lock.packages[candidate];
        if (found !== undefined) {
          visit(found.link === true ? found.resolved! : candidate);
          break;
        }
        if (folder === '') break;
        folder = folder.includes('/node_modules/') ? folder.slice(0, folder.lastIndexOf('/node_modules/')) : '';
      }
    }
  };
  visit(name);
  return [...seen];
}

test('what ships to the customer is small and knows no cloud, cluster or database', () => {
  const names = closure('packages/tunnel').map((path) => path.replace(/^.*node_modules\//, ''));
  for (const name of names)
    for (const pattern of forbiddenInAgent) assert.doesNotMatch(name, pattern, `${name} is in the agent's closure`);
  assert.ok(names.length < 60, `the agent needs ${names.length} packages: ${names.join(' ')}`);
  for (const file of shipped.filter((f) => /^packages\/(tunnel|daemon|core)\//.test(f.path))) {
    assert.ok(!file.imports.includes('node:sqlite'), `${file.path} imports a database`);
  }
});

test('generated files and this machine stay out', () => {
  assert.ok(existsSync(join(root, 'LICENSE')));
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  assert.doesNotMatch(lock, /"resolved": "https?:/, 'write the lock file with omit-lockfile-registry-resolved=true');
});
