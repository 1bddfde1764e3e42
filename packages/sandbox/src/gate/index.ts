/** The gate's face: parse evidence and waivers, evaluate, read the verdict. PURE. */
export { type GateInput, type Submitted, type SubmittedTests, evaluate } from './evaluate.ts';
export { type ReasonCode, type ScanReport, type TestReport, reasonCodes } from './evidence.ts';
export { type Image, parseImage } from './image.ts';
export { type GatePolicy, defaultPolicy, gatePolicySchema, toPolicy } from './policy.ts';
export { parseScan } from './scan/index.ts';
export { parseTests } from './tests/index.ts';
export type { JudgedFinding, Outcome, Reason, Verdict } from './verdict.ts';
export { type Waiver, readWaivers, waiverSchema } from './waiver.ts';
