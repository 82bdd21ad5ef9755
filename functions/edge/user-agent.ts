/** The version in package.json, to which a test compares it: an import would put the whole file into the bundles. */
const VERSION = '0.1.0';

/** Sent with every request that leaves the deployment: firewalls reject requests without one. */
export const USER_AGENT = `modelstudio-jobs/${VERSION}`;
