/** What is a secret by its form, after the part of it that may be shown: a client key's id is none. */
const FORMS: readonly RegExp[] = [
  /(msj_[a-z0-9]+_|whsec_)[\w+/=-]+/gi,
  /\b(Bearer\s+|sk-|eyJ)[\w.~+/=-]{8,}/gi,
  /(:(?:\/|~1){2})[^\s/@"'\\]+(?=@)/g,
];
/** Long, and more than once a digit beside a letter: nobody has made that up. */
const RANDOM = /(?=(?:[\w+=-]*?(?:[a-z]\d|\d[a-z])){2})([\w+=-]{4})[\w+=-]{16,}/gi;

/** A text without the secrets that are known by their form. */
export function redacted(text: string): string {
  return FORMS.reduce((rest, form) => rest.replace(form, '$1…'), text);
}

/** What somebody typed, to be quoted: without whatever may be a secret in the wrong place. */
export function redactedInput(text: string): string {
  return redacted(text).replace(RANDOM, '$1…');
}
