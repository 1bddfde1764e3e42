/** Preloaded into a measured process: writes its peak resident set, in KiB, when it ends. */
import { writeFileSync } from 'node:fs';

const file = process.env['POSTERN_BENCH_RSS'];
if (file !== undefined) process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
