/** The version of pgbaton; the same as in package.json, which is not at hand beside a bundle. */
export const VERSION = '0.1.0';
