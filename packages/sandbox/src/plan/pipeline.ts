/** A project's CI configuration: build on every ref without any rights, push and submit on the allowed refs alone. PURE. */
import { stringify } from 'yaml';
import { type Project, roleName } from './project.ts';
import { type Target, sessionSeconds } from './trust.ts';

export interface PipelineInput {
  readonly sandbox: string;
  readonly project: Project;
  readonly target: Target;
}

export interface PipelineFile {
  readonly path: string;
  readonly text: string;
}

/** Pinned: an orb or action that moves runs with the pipeline's rights. */
const pinned = {
  awsCliOrb: 'circleci/aws-cli@5.4.1',
  base: 'cimg/base:2026.10',
  node: 'cimg/node:24.11',
  checkout: 'actions/checkout@v5.0.0',
  credentials: 'aws-actions/configure-aws-credentials@v5.1.0',
  setupNode: 'actions/setup-node@v6.0.0',
  upload: 'actions/upload-artifact@v5.0.0',
  download: 'actions/download-artifact@v6.0.0',
} as const;

export function pipeline(input: PipelineInput): PipelineFile {
  const circleci = input.project.provider === 'circleci';
  const body = stringify(circleci ? circleciConfig(input) : githubWorkflow(input), { lineWidth: 0 });
  const header = `# Written by: postern sandbox pipeline generate ${input.project.name}\n# Builds carry no credentials; only ${input.project.refs.join(', ')} may push and submit.\n`;
  return { path: circleci ? '.circleci/config.yml' : '.github/workflows/sandbox.yml', text: header + body };
}

function environment({ target, sandbox, project }: PipelineInput): Record<string, string> {
  const registry = `${target.account}.dkr.ecr.${target.region}.amazonaws.com`;
  return {
    AWS_REGION: target.region,
    REGISTRY: registry,
    REPOSITORY: project.repositories[0]!,
    SANDBOX: sandbox,
    BLOCK: project.name,
  };
}

function roleArn({ target, sandbox, project }: PipelineInput): string {
  return `arn:aws:iam::${target.account}:role/${roleName(sandbox, project.name, 'push')}`;
}

const steps = {
  login: 'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"',
  push: (revision: string) => [
    `docker load --input image.tar`,
    // The tag is only a carrier (tags are immutable); from here on the digest is the image's name.
    `docker tag app "$REGISTRY/$REPOSITORY:${revision}"`,
    `docker push "$REGISTRY/$REPOSITORY:${revision}"`,
    `DIGEST=$(aws ecr describe-images --repository-name "$REPOSITORY" --image-ids imageTag=${revision} --query 'imageDetails[0].imageDigest' --output text)`,
    `echo "$REGISTRY/$REPOSITORY@$DIGEST" > image.txt`,
  ],
  scan: [
    `DIGEST=$(cut -d@ -f2 image.txt)`,
    // Not `aws ecr wait`: it waits for COMPLETE, and enhanced scanning ends with ACTIVE. What any other end means the gate says.
    'for attempt in $(seq 60); do',
    '  STATUS=$(aws ecr describe-image-scan-findings --repository-name "$REPOSITORY" --image-id imageDigest="$DIGEST" --query imageScanStatus.status --output text || true)',
    '  case "$STATUS" in ""|None|PENDING|IN_PROGRESS) sleep 10 ;; *) break ;; esac',
    'done',
    `aws ecr describe-image-scan-findings --repository-name "$REPOSITORY" --image-id imageDigest="$DIGEST" > scan.json`,
  ],
  // Releases are recorded in the sandbox's folder. A runner that has it submits; elsewhere the verdict is shown and the files are kept.
  submit: [
    'EVIDENCE="--image $(cat image.txt) --scan scan.json --tests reports/api-tests.ndjson"',
    'if [ -n "${SANDBOX_DIR:-}" ]; then',
    '  npx postern sandbox release submit --dir "$SANDBOX_DIR" --block "$BLOCK" $EVIDENCE',
    'else',
    '  echo "SANDBOX_DIR is not set. Where the sandbox is kept, with the files of this job: postern sandbox release submit --block $BLOCK $EVIDENCE"',
    '  npx postern sandbox gate evaluate $EVIDENCE',
    'fi',
  ],
} as const;

/** The test suite is the block's own; where it is missing the gate says so. */
const tests =
  'if [ -x test/api.sh ]; then mkdir -p reports && test/api.sh reports/api-tests.ndjson; else echo "test/api.sh is missing: the gate will refuse without test evidence"; exit 1; fi';

function lines(commands: readonly string[]): string {
  return `set -eu\n${commands.join('\n')}\n`;
}

function circleciConfig(input: PipelineInput): unknown {
  const { project, sandbox } = input;
  const context = (project.provider === 'circleci' ? project.context : undefined) ?? sandbox;
  const names = (kind: 'heads' | 'tags'): string[] =>
    project.refs.filter((ref) => ref.startsWith(`refs/${kind}/`)).map((ref) => ref.slice(`refs/${kind}/`.length));
  const [branches, tags] = [names('heads'), names('tags')];
  // CircleCI runs no job for a tag unless a tag filter says so, and every branch unless a branch filter says so.
  const filters = {
    branches: branches.length > 0 ? { only: branches } : { ignore: '/.*/' },
    ...(tags.length > 0 ? { tags: { only: tags } } : {}),
  };
  const everywhere = tags.length > 0 ? { filters: { tags: { only: tags } } } : undefined;
  return {
    version: 2.1,
    orbs: { 'aws-cli': pinned.awsCliOrb },
    jobs: {
      build: {
        docker: [{ image: pinned.base }],
        steps: [
          'checkout',
          { setup_remote_docker: {} },
          {
            run: { name: 'Build', command: lines(['docker build --tag app .', 'docker save --output image.tar app']) },
          },
          { run: { name: 'API tests', command: lines([tests]) } },
          { persist_to_workspace: { root: '.', paths: ['image.tar', 'reports'] } },
          { store_test_results: { path: 'reports' } },
        ],
      },
      'push-and-submit': {
        docker: [{ image: pinned.node }],
        environment: environment(input),
        steps: [
          'checkout',
          { attach_workspace: { at: '.' } },
          { setup_remote_docker: {} },
          // Takes CIRCLE_OIDC_TOKEN_V2, whose subject names repository and ref.
          {
            'aws-cli/setup': {
              role_arn: roleArn(input),
              role_session_name: `${project.name}-<< pipeline.number >>`,
              session_duration: String(sessionSeconds),
              region: input.target.region,
            },
          },
          { run: { name: 'Push', command: lines([steps.login, ...steps.push('$CIRCLE_SHA1')]) } },
          { run: { name: 'Fetch the scan', command: lines(steps.scan) } },
          ...['image.txt', 'scan.json', 'reports'].map((path) => ({ store_artifacts: { path } })),
          { run: { name: 'Submit the release', command: lines(steps.submit) } },
        ],
      },
    },
    workflows: {
      sandbox: {
        jobs: [
          everywhere === undefined ? 'build' : { build: everywhere },
          { 'push-and-submit': { requires: ['build'], context: [context], filters } },
        ],
      },
    },
  };
}

function githubWorkflow(input: PipelineInput): unknown {
  const { project } = input;
  const allowed = project.refs.map((ref) => `github.ref == '${ref}'`).join(' || ');
  return {
    name: 'sandbox',
    on: {
      push: { branches: ['**'], ...(project.refs.some((ref) => ref.startsWith('refs/tags/')) ? { tags: ['**'] } : {}) },
      pull_request: {},
    },
    permissions: { contents: 'read' },
    jobs: {
      build: {
        'runs-on': 'ubuntu-24.04',
        steps: [
          { uses: pinned.checkout, with: { 'persist-credentials': false } },
          { name: 'Build', run: lines(['docker build --tag app .', 'docker save --output image.tar app']) },
          { name: 'API tests', run: lines([tests]) },
          { uses: pinned.upload, with: { name: 'build', path: 'image.tar\nreports\n' } },
        ],
      },
      'push-and-submit': {
        needs: 'build',
        if: `github.event_name == 'push' && (${allowed})`,
        'runs-on': 'ubuntu-24.04',
        permissions: { contents: 'read', 'id-token': 'write' },
        concurrency: { group: 'sandbox-${{ github.ref }}', 'cancel-in-progress': false },
        env: environment(input),
        steps: [
          { uses: pinned.checkout, with: { 'persist-credentials': false } },
          { uses: pinned.download, with: { name: 'build' } },
          { uses: pinned.setupNode, with: { 'node-version': '24' } },
          {
            uses: pinned.credentials,
            with: {
              'role-to-assume': roleArn(input),
              'role-session-name': `${project.name}-\${{ github.run_number }}`,
              'role-duration-seconds': sessionSeconds,
              'aws-region': input.target.region,
            },
          },
          { name: 'Push', run: lines([steps.login, ...steps.push('$GITHUB_SHA')]) },
          { name: 'Fetch the scan', run: lines(steps.scan) },
          {
            uses: pinned.upload,
            with: { name: 'evidence', path: 'image.txt\nscan.json\nreports\n' },
          },
          { name: 'Submit the release', run: lines(steps.submit) },
        ],
      },
    },
  };
}
