import packageJson from '../../package.json' with { type: 'json' };

/** Of every request that leaves the deployment: firewalls turn away those that do not say who they are. */
export const USER_AGENT = `modelstudio-jobs/${packageJson.version}`;
