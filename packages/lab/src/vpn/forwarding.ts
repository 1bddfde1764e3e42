/** A router's forwarding table, read from `ip route show`. PURE. */
export interface Forwarding {
  /** From BGP, and in force. */
  readonly propagated: readonly string[];
  /** Made by hand; a propagated route to the same range gives way to it, as in a VPC's route table. */
  readonly fixed: readonly string[];
}

export function parseForwarding(text: string): Forwarding {
  const lines = text.split('\n').flatMap((line) => {
    const range = /^(?:blackhole )?(\d+\.\d+\.\d+\.\d+\/\d+)/.exec(line)?.[1];
    return range === undefined ? [] : [{ range, origin: /\bproto (\w+)/.exec(line)?.[1] ?? 'static' }];
  });
  const fixed = lines.filter(({ origin }) => origin !== 'bird' && origin !== 'kernel').map(({ range }) => range);
  const learned = lines.filter(({ origin }) => origin === 'bird').map(({ range }) => range);
  return { propagated: learned.filter((range) => !fixed.includes(range)), fixed };
}
