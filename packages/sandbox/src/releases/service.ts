/** What `release ...` does: evidence on record, the gate asked, the states kept, each step in the audit log. */
import { join } from 'node:path';
import { type Clock, PosternError, UsageError, didYouMean } from '@postern/core';
import { readEvidence } from '../adapters/evidence-files.ts';
import { loadSandbox } from '../adapters/environment.ts';
import {
  type Image,
  type Outcome,
  type Verdict,
  type Waiver,
  evaluate,
  parseImage,
  parseScan,
  parseTests,
} from '../gate/index.ts';
import type { BuildingBlock } from '../plan/building-block.ts';
import type { Resources } from '../plan/load.ts';
import { type Actor, type Transition, next } from '../plan/release-machine.ts';
import type { Sandbox } from '../plan/sandbox.ts';
import { type AuditEntry, type Evidence, type Release, ReleaseStore } from './store.ts';

export interface ReleaseContext {
  readonly dir: string;
  readonly actor: string;
  readonly clock: Clock;
}

export class Releases implements Disposable {
  readonly store: ReleaseStore;
  readonly sandbox: Sandbox;
  readonly #resources: Resources;
  readonly #context: ReleaseContext;

  private constructor(context: ReleaseContext, resources: Resources & { readonly sandbox: Sandbox }) {
    this.#context = context;
    this.#resources = resources;
    this.sandbox = resources.sandbox;
    this.store = new ReleaseStore(join(context.dir, 'state', 'releases.sqlite'));
  }

  static async open(context: ReleaseContext): Promise<Releases> {
    return new Releases(context, await loadSandbox(context.dir));
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
  }

  get actor(): Actor {
    const name = this.#context.actor;
    return { name, admin: this.sandbox.spec.releases?.admins.includes(name) ?? false };
  }

  block(name: string): BuildingBlock {
    const found = this.#resources.blocks.find((one) => one.name === name);
    if (found !== undefined) return found;
    const near = didYouMean(
      name,
      this.#resources.blocks.map((one) => one.name),
    );
    throw new UsageError(`there is no BuildingBlock ${name} in ${this.#context.dir}`, {
      hint: near === undefined ? 'write one: postern schema BuildingBlock' : `did you mean ${near}?`,
    });
  }

  async submit(input: {
    readonly block: string;
    readonly images: readonly string[];
    readonly scans: readonly string[];
    readonly tests: readonly string[];
  }): Promise<Release> {
    const block = this.block(input.block);
    const images = input.images.map(imageOf);
    if (images.length === 0) throw new UsageError('a release needs at least one --image');
    const references = images.map(({ name, digest }) => `${name}@${digest}`);
    const evidence = [
      ...(await this.#read('scan', input.scans, images)),
      ...(await this.#read('tests', input.tests, images)),
    ];
    return this.store.transaction(() => {
      const name = this.store.create({
        block: block.name,
        tenant: block.tenant,
        images: references,
        submitter: this.#context.actor,
        submittedAt: this.#now(),
      });
      this.store.attach(name, evidence);
      this.#audit('submit', name, {
        images: references,
        evidence: evidence.map(({ kind, sha256 }) => ({ kind, sha256 })),
      });
      return this.store.get(name);
    });
  }

  /** Asks the gate again; new evidence takes the place of the old. */
  async evaluate(
    name: string,
    input: {
      readonly scans: readonly string[];
      readonly tests: readonly string[];
      readonly waivers: readonly Waiver[];
    },
  ): Promise<{ readonly release: Release; readonly warnings: readonly string[] }> {
    const images = this.store.get(name).images.map(imageOf);
    const evidence = [
      ...(await this.#read('scan', input.scans, images)),
      ...(await this.#read('tests', input.tests, images)),
    ];
    const { waivers, warnings } = this.#authorised([...this.#resources.waivers, ...input.waivers], name);
    const release = this.store.transaction(() => {
      if (evidence.length > 0) this.store.attach(name, evidence);
      const verdicts = this.#judge(images, this.store.evidence(name), waivers);
      const verdict = worst(verdicts);
      const vulnerable = verdicts.some((one) => one.reasons.some((reason) => reason.code.startsWith('vulnerability-')));
      this.store.update(name, { verdicts });
      return this.step(
        name,
        { kind: 'evaluate', verdict, vulnerable },
        {
          verdict,
          reasons: [...new Set(verdicts.flatMap((one) => one.reasons.map((reason) => reason.code)))],
          evidence: evidence.map(({ kind, sha256 }) => ({ kind, sha256 })),
          waivers: verdicts.flatMap((one) => one.waivers.filter((w) => w.state === 'matched').map((w) => w.name)),
        },
      );
    });
    return { release, warnings };
  }

  approve(name: string): Release {
    return this.store.transaction(() => {
      this.#stillPasses(name);
      const release = this.step(name, { kind: 'approve' }, {});
      this.store.update(name, { approver: this.#context.actor });
      return { ...release, approver: this.#context.actor };
    });
  }

  /** Evidence grows old and waivers end between one step and the next. */
  #stillPasses(name: string): void {
    const { verdicts, images } = this.store.get(name);
    if (verdicts.length === 0) return;
    const { waivers } = this.#authorised(this.#resources.waivers, name);
    const now = this.#judge(images.map(imageOf), this.store.evidence(name), [...waivers]);
    const ends = verdicts.map((one) => one.validUntil).filter((one) => one !== null);
    const over = ends.some((end) => Date.parse(end) <= this.#context.clock.now());
    if (over && worst(now) !== 'pass')
      throw new PosternError(
        'RELEASE_STALE',
        `the verdict on ${name} has lapsed: ${now.flatMap((one) => one.reasons.map((reason) => reason.code)).join(', ')}`,
        { hint: 'scan again, then: postern sandbox release evaluate' },
      );
  }

  /** One step: the state machine asked, the state written, the log entry with it. To be called within a transaction, or alone. */
  step(name: string, transition: Transition, detail: Readonly<Record<string, unknown>>): Release {
    const release = this.store.get(name);
    const state = next(release.state, transition, this.actor, release);
    this.store.update(name, { state });
    this.#audit(transition.kind, name, { from: release.state, to: state, ...detail });
    return { ...this.store.get(name), state };
  }

  readyToDeploy(name: string): Release {
    this.#stillPasses(name);
    return this.store.get(name);
  }

  log(name?: string): AuditEntry[] {
    return this.store.log(name);
  }

  note(action: string, name: string, detail: Readonly<Record<string, unknown>>): void {
    this.#audit(action, name, detail);
  }

  #judge(images: readonly Image[], evidence: readonly Evidence[], waivers: readonly Waiver[]): Verdict[] {
    const scans = evidence
      .filter((one) => one.kind === 'scan')
      .map(({ text, sha256 }) => ({ report: parseScan(text), sha256 }));
    return images.map((image) => {
      // With several images each scan goes to the one it names; a scan that names none of them is held against all.
      const own =
        images.length === 1
          ? scans
          : scans.filter(
              ({ report }) =>
                report.digests.includes(image.digest!) ||
                !images.some((other) => report.digests.includes(other.digest!)),
            );
      return evaluate({
        image,
        environment: this.sandbox.name,
        scans: own,
        tests: evidence
          .filter((one) => one.kind === 'tests')
          .map(({ text, sha256, boundTo }) => ({
            report: parseTests(text),
            sha256,
            ...(boundTo === null || !images.some((other) => other.digest === boundTo)
              ? boundTo === null
                ? {}
                : { boundTo }
              : { boundTo: image.digest! }),
          })),
        waivers,
        policy: this.sandbox.gate,
        nowMs: this.#context.clock.now(),
      });
    });
  }

  /** Waivers count when someone entitled has approved them, and not the one who wants the release. */
  #authorised(waivers: readonly Waiver[], name: string): { waivers: Waiver[]; warnings: string[] } {
    const { submitter } = this.store.get(name);
    const entitled =
      this.sandbox.spec.releases === undefined
        ? undefined
        : [...this.sandbox.spec.releases.admins, ...(this.sandbox.spec.releases.approvers ?? [])];
    const warnings: string[] = [];
    const kept = waivers.filter((waiver) => {
      const approver = waiver.approval?.approver;
      if (approver === undefined) return true;
      const why =
        approver === submitter
          ? `its approver ${approver} submitted the release`
          : entitled !== undefined && !entitled.includes(approver)
            ? `${approver} is neither admin nor approver of this sandbox`
            : undefined;
      if (why !== undefined) warnings.push(`waiver ${waiver.name} does not count: ${why}`);
      return why === undefined;
    });
    return { waivers: kept, warnings };
  }

  async #read(kind: Evidence['kind'], files: readonly string[], images: readonly Image[]): Promise<Evidence[]> {
    return Promise.all(
      files.map(async (file) => {
        const { text, sha256 } = await readEvidence(file);
        // A test report names no image: the record ties its hash to the first one's digest.
        return { kind, sha256, text, boundTo: kind === 'tests' ? (images[0]?.digest ?? null) : null };
      }),
    );
  }

  #audit(action: string, release: string, detail: Readonly<Record<string, unknown>>): void {
    this.store.audit({ at: this.#now(), actor: this.#context.actor, action, release, detail });
  }

  #now(): string {
    return new Date(this.#context.clock.now()).toISOString();
  }
}

function imageOf(reference: string): Image {
  const image = parseImage(reference);
  if ('kind' in image) throw new UsageError(`${JSON.stringify(reference)} ${image.reason}`);
  if (image.digest === undefined)
    throw new UsageError(`${reference} is named by tag`, {
      hint: 'a release names its images by digest: name@sha256:...',
    });
  return image;
}

function worst(verdicts: readonly Verdict[]): Outcome {
  return verdicts.some((one) => one.verdict === 'refuse')
    ? 'refuse'
    : verdicts.some((one) => one.verdict === 'needs-analysis')
      ? 'needs-analysis'
      : 'pass';
}
