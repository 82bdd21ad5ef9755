/** IONOS's page allows three parallel queries. No other address is known to have a bound. */
export const jobsAtOnceAt = (baseUrl: string) =>
  /studio.*\.ionos\.de\.?$/.test(new URL(baseUrl).hostname) ? 3 : undefined;
