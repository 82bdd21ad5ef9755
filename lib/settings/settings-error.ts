/** Its message has sentences for the operator who wrote the settings. */
export class SettingsError extends Error {}
