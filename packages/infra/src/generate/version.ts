/** The version of this package: the image's tag where a configuration names none. */
import manifest from '../../package.json' with { type: 'json' };

export const version: string = manifest.version;
