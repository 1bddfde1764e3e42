// The API tests of the example: asks a running service (first argument) and writes JUnit (second argument).
import { writeFileSync } from 'node:fs';

const [base = 'http://localhost:18081', file = 'report.xml'] = process.argv.slice(2);
const cases = [
  ['answers on /api/v1', async () => (await (await fetch(`${base}/api/v1`)).json()).service === 'rest-app'],
  ['says that it is well', async () => (await fetch(`${base}/health`)).status === 200],
  [
    'keeps a note',
    async () => {
      const put = await fetch(`${base}/api/v1/notes/one`, { method: 'PUT', body: 'hello' });
      return put.status === 201 && (await (await fetch(`${base}/api/v1/notes/one`)).json()).text === 'hello';
    },
  ],
  ['says 404 for what is not there', async () => (await fetch(`${base}/api/v1/notes/none`)).status === 404],
  [
    'refuses a note that is too long',
    async () => (await fetch(`${base}/api/v1/notes/long`, { method: 'PUT', body: 'x'.repeat(20_000) })).status === 413,
  ],
];

const results = [];
for (const [name, check] of cases) {
  const failure = await check().then(
    (ok) => (ok ? undefined : 'the answer was another one'),
    (error) => String(error),
  );
  results.push(
    `    <testcase classname="rest-app" name="${String(name)}">${failure === undefined ? '' : `<failure message="${failure.replaceAll(/[<>&"]/g, ' ')}"/>`}</testcase>`,
  );
}
const failed = results.filter((line) => line.includes('<failure')).length;
writeFileSync(
  file,
  `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="rest-app" tests="${results.length}" failures="${failed}" timestamp="${new Date().toISOString()}">\n${results.join('\n')}\n  </testsuite>\n</testsuites>\n`,
);
process.exitCode = failed > 0 ? 1 : 0;
