import { Argument, type Command } from 'commander';

/** `postern completion SHELL`: a script that asks the command tree itself (`postern __complete WORD...`), so that it cannot go stale. */
export function registerCompletion(root: Command): void {
  root
    .command('completion')
    .description('print a shell completion script')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(postern completion bash)\n  postern completion zsh > "${fpath[1]}/_postern"\n  postern completion fish > ~/.config/fish/completions/postern.fish\n',
    )
    .action((shell: 'bash' | 'zsh' | 'fish') => void process.stdout.write(scripts[shell]));
  root
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(
      (words: string[]) =>
        void process.stdout.write(
          complete(root, words)
            .map((word) => `${word}\n`)
            .join(''),
        ),
    );
}

/** What may stand in place of the last of `words`, the words after `postern`. */
export function complete(root: Command, words: readonly string[]): string[] {
  const last = words.at(-1) ?? '';
  let command = root;
  for (const word of words.slice(0, -1)) command = command.commands.find((child) => child.name() === word) ?? command;
  const previous = command.options.find((option) => [option.long, option.short].includes(words.at(-2)));
  if (previous?.argChoices !== undefined) return previous.argChoices.filter((choice) => choice.startsWith(last));
  const names = command.commands.filter((child) => !child.name().startsWith('__')).map((child) => child.name());
  const options = command.options.map((option) => option.long ?? option.short ?? '');
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const candidates = last.startsWith('-') ? [...options, '--help'] : [...names, ...choices];
  return candidates.filter((candidate) => candidate.startsWith(last));
}

const scripts = {
  bash: `_postern() {
  local IFS=$'\\n'
  COMPREPLY=($(postern __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
}
complete -F _postern postern
`,
  zsh: `#compdef postern
_postern() {
  local -a candidates
  candidates=("\${(@f)$(postern __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$candidates" ]]; then compadd -a candidates; else _files; fi
}
compdef _postern postern
`,
  fish: `complete -c postern -a '(postern __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
} as const;
