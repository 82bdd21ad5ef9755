/** Secrets by their form, after the part that may be shown, as a client key's id is not secret. */
const FORMS: readonly RegExp[] = [
  /(msj_[a-z0-9]+_|whsec_)[\w+/=-]+/gi,
  /\b(Bearer\s+|sk-|eyJ)[\w.~+/=-]{8,}/gi,
  /(:(?:\/|~1){2})[^\s/@"'\\]+(?=@)/g,
];
/** Long, with digits next to letters more than once: no human has made that up. */
const RANDOM = /(?=(?:[\w+=-]*?(?:[a-z]\d|\d[a-z])){2})([\w+=-]{4})[\w+=-]{16,}/gi;

/** A text without the secrets that have a known form. */
export function redacted(text: string): string {
  return FORMS.reduce((rest, form) => rest.replace(form, '$1…'), text);
}

/** A person's input for quoting, without anything that may be a secret in the wrong place. */
export function redactedInput(text: string): string {
  return redacted(text).replace(RANDOM, '$1…');
}
