/** plan, deploy and destroy; loads nothing that synthesises. */
export {
  type Approval,
  deploy,
  type DeployOptions,
  type DeployResult,
  destroy,
  plan,
  type PlanResult,
  type StackPlan,
} from './deploy.ts';
export { type TerraformEvent } from '@postern/terraform/run';
export { type Loss } from './losses.ts';
