import type { Command } from 'commander';

/** Which cluster: the same options on every command that talks to one. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function clusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'the kubeconfig; default: KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'the context in it; default: its current one');
}
