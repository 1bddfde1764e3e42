/** The source documents write long flags with one dash (`-auto-approve`), which a parser of bundled short flags cannot take. */
const spellings: Readonly<Record<string, string>> = {
  '-auto-approve': '--auto-approve',
  '-target': '--target',
  '-force-ignore-stack-dependencies': '--ignore-dependencies',
  '--force-ignore-stack-dependencies': '--ignore-dependencies',
};

/** Only under `postern instance`: nowhere else do they mean this. */
export function documentSpelling(argv: readonly string[]): string[] {
  if (argv[0] !== 'instance') return [...argv];
  return argv.map((word) => {
    const [flag, ...value] = word.split('=');
    const known = spellings[flag!];
    return known === undefined ? word : [known, ...value].join('=');
  });
}
