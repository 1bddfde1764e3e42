/** Who we are to a cluster: the name under which Events are written and found again. */
export const component = 'postern-privatelink';

export const asOurselves = { cluster: { component } } as const;
