/** To be filled: see ARCHITECTURE.md. */
export const room = 'tunnel';
