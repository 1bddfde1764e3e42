/** The tunnel's peers and what they share with the server. Import the room you need: `@postern/tunnel/agent`, `/client`, `/wire`. */
export * from './config/index.ts';
