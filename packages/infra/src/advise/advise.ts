/** Which of the four paths fits a resource, and why not the others. Rules as data: the first that fits is the advice. */

export type Answer = 'yes' | 'no';

export interface Facts {
  /** Where the host runs. */
  readonly location?: 'aws' | 'gcp' | 'azure' | 'on-prem' | 'other';
  /** It may be reachable publicly if only our addresses are let in. */
  readonly public?: Answer;
  /** The customer can put a Network Load Balancer in front of it and share an endpoint service. */
  readonly loadBalancer?: Answer;
  /** The customer's network and ours may be joined by routing. */
  readonly joinNetworks?: Answer;
  /** Address ranges overlap. */
  readonly overlap?: Answer;
  /** The customer can run an agent near the host, and it may dial out over one TCP port. */
  readonly agent?: Answer;
  /** Something other than TCP is needed (UDP, ICMP). */
  readonly otherThanTcp?: Answer;
}

export const pathNames = ['nat', 'privatelink', 'vpn', 'tunnel'] as const;
export type PathName = (typeof pathNames)[number];

export interface Opinion {
  readonly path: PathName;
  /** `open`: it depends on something not known yet. */
  readonly verdict: 'fits' | 'open' | 'no';
  readonly reasons: readonly string[];
}

export interface Advice {
  /** The best path that fits; undefined where none is certain. */
  readonly recommended: PathName | undefined;
  readonly paths: readonly Opinion[];
  /** What to find out next, in the order it matters. */
  readonly unknown: ReadonlyArray<keyof Facts>;
  /** What to switch on in config.yaml. */
  readonly next: string;
}

interface Need {
  readonly fact: keyof Facts;
  readonly met: (value: string) => boolean;
  readonly because: string;
  readonly unless: string;
  readonly ask: string;
}

function need(fact: keyof Facts, wanted: string, because: string, unless: string, ask: string): Need {
  return { fact, met: (value) => value === wanted, because, unless, ask };
}

const inAws = (unless: string): Need =>
  need('location', 'aws', 'the host runs in AWS', unless, 'where does the host run?');

/** What each path needs, best path first: the fewest moving parts on the customer's side. */
const needs: Readonly<Record<PathName, readonly Need[]>> = {
  nat: [
    need(
      'public',
      'yes',
      'the host may be public behind an allowlist of our addresses',
      'the host must not be reachable publicly, not even behind an allowlist',
      'may the host be public behind an allowlist?',
    ),
    need(
      'otherThanTcp',
      'no',
      'TCP is all it needs',
      'egress through NAT is made for TCP; UDP services rarely allowlist',
      'is TCP enough?',
    ),
  ],
  privatelink: [
    inAws('the host does not run in AWS'),
    need(
      'loadBalancer',
      'yes',
      'a load balancer and an endpoint service expose one host and port, and the networks stay apart, whatever their ranges',
      'no Network Load Balancer can be put in front of the host',
      'can a Network Load Balancer and an endpoint service be made?',
    ),
    need('otherThanTcp', 'no', 'TCP is all it needs', 'endpoint services of this kind carry TCP', 'is TCP enough?'),
  ],
  vpn: [
    inAws('the VPN joins our network with AWS, and the host does not run there'),
    need(
      'joinNetworks',
      'yes',
      'the networks may be joined',
      'the networks must stay apart',
      'may the networks be joined?',
    ),
    need(
      'overlap',
      'no',
      'the address ranges do not overlap',
      'the address ranges overlap: routes between them would be ambiguous',
      'do the address ranges overlap?',
    ),
  ],
  tunnel: [
    need(
      'agent',
      'yes',
      'an agent near the host dials out; nothing is opened inwards, wherever the host runs',
      'no agent may run there, or it may not dial out',
      'may an agent run near the host and dial out?',
    ),
    need('otherThanTcp', 'no', 'TCP is all it needs', 'the tunnel carries TCP', 'is TCP enough?'),
  ],
};

const nextSteps: Readonly<Record<PathName, string>> = {
  nat: 'set infrastructure.nat.enabled: true, deploy, and send the customer the allowlist',
  privatelink: 'hand over playbook/, then set privateCodeHost.enabled: true with the service name under privateLinks',
  vpn: 'set privateCodeHost.enabled: true with accountID and region',
  tunnel: 'set connect.enabled: true with the agents’ identities and rules, deploy, and hand over playbook/agent',
};

export function advise(facts: Facts): Advice {
  const paths = pathNames.map((path) => opinion(path, facts));
  const best = paths.find(({ verdict }) => verdict === 'fits')?.path;
  // An open path before the best one might be better still: its questions are worth asking.
  const before = best === undefined ? pathNames : pathNames.slice(0, pathNames.indexOf(best));
  const open = before.filter((path) => paths.find((item) => item.path === path)!.verdict === 'open');
  const unknown = [...new Set(open.flatMap((path) => missing(path, facts)))];
  return { recommended: best, paths, unknown, next: nextStep(best, unknown) };
}

function nextStep(best: PathName | undefined, unknown: ReadonlyArray<keyof Facts>): string {
  if (best !== undefined) return nextSteps[best];
  if (unknown.length > 0) return `find out: ${unknown.map((fact) => questions[fact].text).join(' ')}`;
  return 'none of the four paths fits: talk to the customer about what could change';
}

function missing(path: PathName, facts: Facts): Array<keyof Facts> {
  return needs[path].filter(({ fact }) => facts[fact] === undefined).map(({ fact }) => fact);
}

function opinion(path: PathName, facts: Facts): Opinion {
  const against = needs[path].filter(({ fact, met }) => facts[fact] !== undefined && !met(facts[fact]));
  if (against.length > 0) return { path, verdict: 'no', reasons: against.map(({ unless }) => unless) };
  const open = needs[path].filter(({ fact }) => facts[fact] === undefined);
  if (open.length > 0) return { path, verdict: 'open', reasons: open.map(({ ask }) => ask) };
  return { path, verdict: 'fits', reasons: needs[path].map(({ because }) => because) };
}

export interface Question {
  readonly text: string;
  readonly answers: readonly string[];
}

/** In the order they are asked. */
export const questions: Readonly<Record<keyof Facts, Question>> = {
  public: { text: 'May the host be reachable publicly, if only our addresses are let in?', answers: ['yes', 'no'] },
  location: { text: 'Where does the host run?', answers: ['aws', 'gcp', 'azure', 'on-prem', 'other'] },
  loadBalancer: {
    text: 'Can the customer put a Network Load Balancer in front of it and share an endpoint service?',
    answers: ['yes', 'no'],
  },
  joinNetworks: { text: 'May the customer’s network and ours be joined by routing?', answers: ['yes', 'no'] },
  overlap: { text: 'Do the address ranges of both networks overlap?', answers: ['yes', 'no'] },
  agent: { text: 'Can an agent run near the host and dial out over one TCP port?', answers: ['yes', 'no'] },
  otherThanTcp: { text: 'Is anything other than TCP needed?', answers: ['yes', 'no'] },
};

/** The next question worth asking, or undefined when the advice would not change any more. `skipped`: asked, and not known. */
export function nextQuestion(facts: Facts, skipped: ReadonlySet<keyof Facts> = new Set()): keyof Facts | undefined {
  const { unknown } = advise(facts);
  return (Object.keys(questions) as Array<keyof Facts>).find((fact) => unknown.includes(fact) && !skipped.has(fact));
}
