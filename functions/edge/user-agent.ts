/** Of package.json, which a test holds it to: an import would put the whole file into the bundles. */
const VERSION = '0.1.0';

/** Of every request that leaves the deployment: firewalls turn away those that do not say who they are. */
export const USER_AGENT = `modelstudio-jobs/${VERSION}`;
