/** The lab: rehearsal worlds on one machine. Each room is its own entry (`@postern/lab/aws`), so that one never loads another. */
export const room = 'lab';
