/** What is a secret by its form, and the part of it that may be shown: a client key's id is none. */
const FORMS: readonly [form: RegExp, shown: string][] = [
  [/(msj_[a-z0-9]+_)[\w-]+/gi, '$1…'],
  [/(whsec_)[\w+/=-]+/gi, '$1…'],
  [/\b(Bearer\s+)[\w.~+/=-]{8,}/gi, '$1…'],
  [/\b(sk-|eyJ)[\w.-]{8,}/g, '$1…'],
  [/(:(?:\/|~1){2})[^\s/@"'\\]+(?=@)/g, '$1…'],
];
/** Long, and more than once a digit beside a letter: nobody has made that up. */
const RANDOM = /(?=(?:[\w+=-]*?(?:[a-z]\d|\d[a-z])){2})([\w+=-]{4})[\w+=-]{16,}/gi;

/** A text without the secrets that are known by their form. */
export function redacted(text: string): string {
  return FORMS.reduce((rest, [form, shown]) => rest.replace(form, shown), text);
}

/** What somebody typed, to be quoted: without whatever may be a secret in the wrong place. */
export function redactedInput(text: string): string {
  return redacted(text).replace(RANDOM, '$1…');
}
