import { describe, expect, it } from 'vitest';
import { workOf } from '../../functions/core/http/generation-request.ts';
import {
  fingerprint,
  generationIn,
  parseSubmission,
  type Submission,
} from '../../functions/core/http/submission.ts';

const rules = { ports: [], ownHost: null, loopback: false };
const minimal = { model_id: 'm', messages: [[{ role: 'user', content: 'hi' }]] };

const withMessage = (message: unknown) => ({ ...minimal, messages: [[message]] });
const withContent = (content: unknown) => withMessage({ role: 'user', content });
const withImage = (url: unknown) => withContent([{ type: 'image_url', image_url: { url } }]);
const withMetadata = (metadata: unknown) => ({ ...minimal, metadata });
const times = <T>(count: number, item: T) => Array.from({ length: count }, () => item);
const pairs = (count: number) => Object.fromEntries(times(count, '').map((_, i) => [`k${i}`, 'v']));
const wrongPairs = (count: number) =>
  times(count, '')
    .map((_, i) => `"k${i}":1`)
    .join();
const nested = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;

function faultsIn(body: unknown) {
  const parsed = parseSubmission(body, rules);
  return 'faults' in parsed ? parsed.faults : [];
}

function valid(body: unknown): Submission {
  const parsed = parseSubmission(body, rules);
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
}

describe('a valid request', () => {
  it('gets its defaults', () => {
    expect(valid(minimal)).toEqual({
      ...minimal,
      temperature: 0.7,
      max_tokens: 512,
      metadata: {},
      expires_in: 86_400,
      on_unknown: 'fail',
      task_retries: 0,
    });
  });

  it.each([
    ['every field', { temperature: 0.2, max_tokens: 9, webhook_url: 'https://hooks.example.com/h' }],
    ['metadata', { metadata: { order: '17', Straße: 'ß', constructor: 'x', toString: 'y' } }],
    ['the longest metadata', { metadata: { ['k'.repeat(64)]: 'v'.repeat(512) } }],
    ['16 pairs of metadata', { metadata: pairs(16) }],
    ['an empty metadata value', { metadata: { k: '' } }],
    ['the lowest numbers', { temperature: 0, max_tokens: 1, expires_in: 60 }],
    ['the highest numbers', { temperature: 1, max_tokens: Number.MAX_SAFE_INTEGER, expires_in: 604_800 }],
    ['a long model id', { model_id: `m${'a'.repeat(255)}` }],
    ['a model id with every character', { model_id: '0A.b_c:d/e-f' }],
    ['several conversations', { messages: [...minimal.messages, ...minimal.messages] }],
    ['50000 conversations', { messages: times(50_000, minimal.messages[0]) }],
    ['1000 messages', { messages: [times(1000, { role: 'assistant', content: 'x' })] }],
    ['1000 parts', withContent(times(1000, { type: 'text', text: 'x' }))],
    ['every role', { messages: [['system', 'user', 'assistant'].map((role) => ({ role, content: 'x' }))] }],
    ['empty content', withContent('')],
    ['an escaped NUL in content', withContent('a\u0000b')],
    ['words of the prototype as content', withContent('__proto__ constructor')],
    ['emoji', withContent('héllo 😀 你好')],
    ['an https image', withImage('https://img.example.com/a.png')],
    ['a data: image', withImage('data:image/png;base64,AAAA')],
    ['an image URL in upper case', withImage('HTTPS://img.example.com/a.png')],
  ])('keeps what it says: %s', (_what, changes) => {
    const body = { ...minimal, ...changes };
    expect(valid(body)).toMatchObject(body);
  });

  it.each<[what: string, changes: object, read: object]>([
    ['temperature', { temperature: null }, { temperature: 0.7 }],
    ['max_tokens', { max_tokens: null }, { max_tokens: 512 }],
    ['metadata', { metadata: null }, { metadata: {} }],
    ['expires_in', { expires_in: null }, { expires_in: 86_400 }],
    [
      'webhook_url, which is none even where there is a default',
      { webhook_url: null },
      { webhook_url: null },
    ],
  ])('may have null for what is optional: %s', (_what, changes, read) => {
    expect(valid({ ...minimal, ...changes })).toMatchObject(read);
  });

  it.each<[what: string, members: object]>([
    ['of OpenAI', { refusal: null, annotations: [], audio: null, function_call: null, tool_calls: null }],
    ['with no calls of tools', { tool_calls: [] }],
    ['without any of it', {}],
  ])("may have an assistant's reply in it as it came: %s", (_what, members) => {
    const reply = { role: 'assistant', content: '4' };
    const messages = [
      [
        { role: 'user', content: '2+2?' },
        { ...reply, ...members },
      ],
    ];
    expect(valid({ ...minimal, messages }).messages).toEqual([[{ role: 'user', content: '2+2?' }, reply]]);
  });

  it('has no negative zero', () => {
    expect(Object.is(valid({ ...minimal, temperature: -0 }).temperature, 0)).toBe(true);
  });
});

const CONVERSATIONS = 'Must be an array of 1 to 50000 conversations';
const TOGETHER = 'Must not be given together with messages';
const MESSAGES = 'Must be an array of 1 to 1000 messages';
const MESSAGE = 'Must be an object with a role and a content';
const MODEL = 'Must match ^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$';
const ROLE = 'Must be "system", "user" or "assistant"';
const CONTENT = 'Must be a string or an array of 1 to 1000 parts';
const PART = 'Must be a part of the type "text" or "image_url"';
const IMAGE = 'Must be a data: or https: URL';
const TEMPERATURE = 'Must be a number from 0 to 1';
const TOKENS = 'Must be a whole number from 1 to 9007199254740991';
const EXPIRY = 'Must be a whole number from 60 to 604800';
const NAME = 'Must be 1 to 64 characters';
const CONTROL = 'Must not contain control characters';
const SILENT = 'Must be null, empty or left out';

describe('a request with one fault is answered with its name', () => {
  it.each<[what: string, body: unknown, pointer: string, message: string]>([
    ['null', null, '', 'Must be an object'],
    ['an array', [], '', 'Must be an object'],
    ['a string', 'x', '', 'Must be an object'],
    ['a number', 1, '', 'Must be an object'],
    ['deep nesting', nested(100_000), '', 'Must be an object'],

    ['no model', { messages: minimal.messages }, '/model_id', 'Required'],
    ['a model that is no string', { ...minimal, model_id: ['m'] }, '/model_id', 'Must be a string'],
    ['a blank model', { ...minimal, model_id: '   ' }, '/model_id', MODEL],
    ['a model that is too long', { ...minimal, model_id: 'm'.repeat(257) }, '/model_id', MODEL],
    ['a model with a line break', { ...minimal, model_id: 'm\n' }, '/model_id', MODEL],
    ['a model that climbs', { ...minimal, model_id: 'a/../b' }, '/model_id', 'Must not contain ".."'],

    ['no messages', { model_id: 'm' }, '/messages', 'Required'],
    ['messages that are an object', { ...minimal, messages: {} }, '/messages', CONVERSATIONS],
    ['no conversation', { ...minimal, messages: [] }, '/messages', CONVERSATIONS],
    ['50001 conversations', { ...minimal, messages: times(50_001, []) }, '/messages', CONVERSATIONS],
    ['a conversation of null', { ...minimal, messages: [null] }, '/messages/0', MESSAGES],
    ['a conversation without messages', { ...minimal, messages: [[]] }, '/messages/0', MESSAGES],
    ['1001 messages', { ...minimal, messages: [times(1001, {})] }, '/messages/0', MESSAGES],
    ['deeply nested messages', { ...minimal, messages: nested(100_000) }, '/messages/0/0', MESSAGE],
    [
      'the second conversation',
      { ...minimal, messages: [...minimal.messages, 'x'] },
      '/messages/1',
      MESSAGES,
    ],

    ['a message of text', withMessage('hi'), '/messages/0/0', MESSAGE],
    ['a message without role', withMessage({ content: 'x' }), '/messages/0/0/role', 'Required'],
    ['a message without content', withMessage({ role: 'user' }), '/messages/0/0/content', 'Required'],
    ['an unknown role', withMessage({ role: 'bot', content: 'x' }), '/messages/0/0/role', ROLE],
    ['a role of null', withMessage({ role: null, content: 'x' }), '/messages/0/0/role', ROLE],
    ['a name', withMessage({ role: 'user', content: 'x', name: 'y' }), '/messages/0/0/name', 'Unknown field'],

    ...(['refusal', 'audio', 'function_call', 'tool_calls', 'annotations'] as const).flatMap((name) =>
      [{ x: 1 }, [{ x: 1 }], 'no', false].map((value): [string, unknown, string, string] => [
        `${name} that says something`,
        withMessage({ role: 'assistant', content: 'x', [name]: value }),
        `/messages/0/0/${name}`,
        SILENT,
      ]),
    ),

    ['content that is a number', withContent(1), '/messages/0/0/content', CONTENT],
    ['content that is an object', withContent({ type: 'text' }), '/messages/0/0/content', CONTENT],
    ['content without parts', withContent([]), '/messages/0/0/content', CONTENT],
    ['1001 parts', withContent(times(1001, { type: 'text', text: 'x' })), '/messages/0/0/content', CONTENT],
    ['a part of text', withContent(['hi']), '/messages/0/0/content/0', PART],
    ['a part without type', withContent([{}]), '/messages/0/0/content/0/type', 'Required'],
    ['a part of audio', withContent([{ type: 'audio' }]), '/messages/0/0/content/0/type', PART],
    ['a text part without text', withContent([{ type: 'text' }]), '/messages/0/0/content/0/text', 'Required'],
    [
      'the text of a number',
      withContent([{ type: 'text', text: 1 }]),
      '/messages/0/0/content/0/text',
      'Must be a string',
    ],
    ['deeply nested parts', withContent(nested(100_000)), '/messages/0/0/content/0', PART],
    [
      'an unknown field of a part',
      withContent([{ type: 'text', text: 'x', zip: 1 }]),
      '/messages/0/0/content/0/zip',
      'Unknown field',
    ],
    [
      'an image that is a string',
      withContent([{ type: 'image_url', image_url: 'https://x' }]),
      '/messages/0/0/content/0/image_url',
      'Must be an object with a url',
    ],
    ['an image of a number', withImage(1), '/messages/0/0/content/0/image_url/url', 'Must be a string'],
    ['no image', withImage(''), '/messages/0/0/content/0/image_url/url', IMAGE],
    ['an image in a file', withImage('file:///x'), '/messages/0/0/content/0/image_url/url', IMAGE],
    [
      'an image with an https URL inside',
      withImage('file:///x?https://y'),
      '/messages/0/0/content/0/image_url/url',
      IMAGE,
    ],
    ['an http image', withImage('http://x/a'), '/messages/0/0/content/0/image_url/url', IMAGE],
    ['an empty data: URL', withImage('data:'), '/messages/0/0/content/0/image_url/url', IMAGE],

    ['a hot temperature', { ...minimal, temperature: 1.1 }, '/temperature', TEMPERATURE],
    ['a cold temperature', { ...minimal, temperature: -0.1 }, '/temperature', TEMPERATURE],
    ['a temperature of text', { ...minimal, temperature: '0.5' }, '/temperature', TEMPERATURE],
    [
      'a temperature beyond numbers',
      { ...minimal, temperature: Number.POSITIVE_INFINITY },
      '/temperature',
      TEMPERATURE,
    ],
    ['no tokens', { ...minimal, max_tokens: 0 }, '/max_tokens', TOKENS],
    ['half a token', { ...minimal, max_tokens: 1.5 }, '/max_tokens', TOKENS],
    ['more tokens than integers', { ...minimal, max_tokens: 2 ** 53 }, '/max_tokens', TOKENS],
    ['an expiry too soon', { ...minimal, expires_in: 59 }, '/expires_in', EXPIRY],
    ['an expiry too late', { ...minimal, expires_in: 604_801 }, '/expires_in', EXPIRY],
    ['an expiry of text', { ...minimal, expires_in: '60' }, '/expires_in', EXPIRY],

    ['a webhook of a number', { ...minimal, webhook_url: 1 }, '/webhook_url', 'Must be a string'],
    [
      'a webhook over http',
      { ...minimal, webhook_url: 'http://a.example.com' },
      '/webhook_url',
      'Must start with https:// and a host name',
    ],
    [
      'an empty webhook',
      { ...minimal, webhook_url: '' },
      '/webhook_url',
      'Must start with https:// and a host name',
    ],

    [
      'metadata that is an array',
      withMetadata(['a']),
      '/metadata',
      'Must be an object, which is {} when empty, not []',
    ],
    [
      'metadata that PHP makes of an empty array',
      withMetadata([]),
      '/metadata',
      'Must be an object, which is {} when empty, not []',
    ],
    ['metadata of text', withMetadata('a'), '/metadata', 'Must be an object'],
    ['half a second to live', { ...minimal, expires_in: 60.5 }, '/expires_in', EXPIRY],
    ['an expiry beyond integers', { ...minimal, expires_in: 2 ** 53 }, '/expires_in', EXPIRY],
    ['a negative expiry of a fraction', { ...minimal, expires_in: -0.5 }, '/expires_in', EXPIRY],
    ['17 pairs of metadata', withMetadata(pairs(17)), '/metadata', 'Must have at most 16 pairs'],
    ['a metadata value of a number', withMetadata({ a: 1 }), '/metadata/a', 'Must be a string'],
    [
      'a long metadata value',
      withMetadata({ a: 'v'.repeat(513) }),
      '/metadata/a',
      'Must be at most 512 characters',
    ],
    ['a long metadata key', withMetadata({ ['k'.repeat(65)]: 'v' }), `/metadata/${'k'.repeat(65)}`, NAME],
    ['an empty metadata key', withMetadata({ '': 'v' }), '/metadata/', NAME],
    ['a control character in a key', withMetadata({ 'a\n': 'v' }), '/metadata/a\n', CONTROL],
    ['a control character in a value', withMetadata({ a: 'v\u0085' }), '/metadata/a', CONTROL],

    [
      'a metadata key that objects pass over',
      withMetadata(JSON.parse('{"__proto__":"v"}')),
      '/metadata/__proto__',
      'Must not be used as a name',
    ],
    [
      'the same with an object in it',
      withMetadata(JSON.parse('{"a":"b","__proto__":{"c":"d"}}')),
      '/metadata/__proto__',
      'Must not be used as a name',
    ],

    ['no conversations at all', { model_id: 'm' }, '/messages', 'Required'],
    ['an upload beside conversations', { ...minimal, messages_from: 'up_1' }, '/messages_from', TOGETHER],
    [
      'an upload of no id',
      { model_id: 'm', messages_from: 'a b' },
      '/messages_from',
      'Must be the id of an upload',
    ],
    ['four retries', { ...minimal, task_retries: 4 }, '/task_retries', 'Must be a whole number from 0 to 3'],
    [
      'retries that may not wait',
      { ...minimal, task_retries: 1, queue_for: 0 },
      '/task_retries',
      'Must be 0, as queue_for is 0',
    ],
    [
      'an upload that may not wait',
      { model_id: 'm', messages_from: 'up_1', queue_for: 0 },
      '/messages_from',
      'Must not be given, as queue_for is 0',
    ],
    ['an unknown field', { ...minimal, webhok_url: 'x' }, '/webhok_url', 'Unknown field'],
    ['an unknown field, escaped', { ...minimal, 'a/b~c': 1 }, '/a~1b~0c', 'Unknown field'],
    [
      '__proto__ as a field',
      JSON.parse('{"model_id":"m","messages":[[{"role":"user","content":"x"}]],"__proto__":{}}'),
      '/__proto__',
      'Unknown field',
    ],
  ])('%s', (_what, body, pointer, message) => {
    expect(faultsIn(body)).toEqual([{ pointer, message }]);
  });
});

describe('a lone surrogate is refused', () => {
  it.each<[where: string, body: unknown, pointer: string, message?: RegExp]>([
    ['the model', { ...minimal, model_id: 'm\ud800' }, '/model_id', /Must match/],
    ['content', withContent('\ud800'), '/messages/0/0/content'],
    ['the other half', withContent('a\udc00b'), '/messages/0/0/content'],
    ['a text part', withContent([{ type: 'text', text: '\udc00' }]), '/messages/0/0/content/0/text'],
    ['an image', withImage('https://x/\ud800'), '/messages/0/0/content/0/image_url/url'],
    ['the webhook', { ...minimal, webhook_url: 'https://a.example.com/\ud800' }, '/webhook_url', /control/],
    ['a metadata key', withMetadata({ '\ud800': 'v' }), '/metadata/\ud800'],
    ['a metadata value', withMetadata({ k: 'v\ud800' }), '/metadata/k'],
    ['an unknown field', { ...minimal, '\ud800': 1 }, '/\ud800', /Unknown field/],
  ])('when it is in %s', (_where, body, pointer, message = /lone surrogate/) => {
    expect(faultsIn(body)).toEqual([{ pointer, message: expect.stringMatching(message) }]);
  });
});

describe('a flat array of messages', () => {
  it.each([
    ['one message', [{ role: 'user', content: 'hi' }]],
    ['several', [{ role: 'user', content: 'a' }, { content: 'b' }, { role: 'assistant' }]],
  ])('is answered with what is missing: %s', (_what, messages) => {
    expect(faultsIn({ ...minimal, messages })).toEqual([
      { pointer: '/messages', message: expect.stringMatching(/single conversation.*brackets/) },
    ]);
  });

  it.each([
    ['objects that are no messages', [{ x: 1 }], ['/messages/0']],
    ['only some', [{ role: 'user', content: 'a' }, []], ['/messages/0', '/messages/1']],
  ])('is not taken for %s', (_what, messages, pointers) => {
    expect(faultsIn({ ...minimal, messages }).map(({ pointer }) => pointer)).toEqual(pointers);
  });
});

describe('many faults', () => {
  it('are all named at once', () => {
    const messages = [
      [
        { role: 'bot', content: 1 },
        { role: 'user', content: [{ type: 'text', text: 'x', a: 1 }, { type: 'b' }] },
      ],
      7,
    ];
    const body = { messages, temperature: 2, max_tokens: 0, webhook_url: 'x', metadata: { a: 1 }, top_p: 1 };
    expect(
      faultsIn(body)
        .map(({ pointer }) => pointer)
        .sort(),
    ).toEqual([
      '/max_tokens',
      '/messages/0/0/content',
      '/messages/0/0/role',
      '/messages/0/1/content/0/a',
      '/messages/0/1/content/1/type',
      '/messages/1',
      '/metadata/a',
      '/model_id',
      '/temperature',
      '/top_p',
      '/webhook_url',
    ]);
  });

  it.each<[what: string, body: () => unknown]>([
    ['a million empty messages', () => ({ ...minimal, messages: times(1000, times(1000, {})) })],
    ['a million numbers for messages', () => ({ ...minimal, messages: times(1000, times(1000, 0)) })],
    ['a million conversations', () => ({ ...minimal, messages: times(1_000_000, 0) })],
    ['a message of a million wrong parts', () => withContent(times(1_000_000, 0))],
    ['a message of a thousand wrong parts', () => withContent(times(1000, 0))],
    [
      'a thousand messages of a thousand wrong parts',
      () => ({ ...minimal, messages: [times(1000, { role: 'user', content: times(1000, 0) })] }),
    ],
    [
      'a message of 100 000 unknown fields',
      () => withMessage({ role: 'user', content: '', ...pairs(100_000) }),
    ],
    [
      'parts of 100 000 unknown fields',
      () => withContent(times(2, { type: 'text', text: '', ...pairs(100_000) })),
    ],
    ['100 000 unknown fields', () => ({ ...minimal, ...pairs(100_000) })],
    ['100 000 unknown fields and a bad webhook', () => ({ ...minimal, ...pairs(100_000), webhook_url: '' })],
    ['100 000 pairs of metadata', () => withMetadata(pairs(100_000))],
    ['300 000 wrong pairs of metadata', () => withMetadata(JSON.parse(`{${wrongPairs(300_000)}}`))],
    ['a name of 4 MiB', () => ({ ...minimal, ['k'.repeat(4 * 1024 * 1024)]: 1 })],
    ['a metadata key of 4 MiB', () => withMetadata({ ['k'.repeat(4 * 1024 * 1024)]: 'v' })],
    ['a role of 4 MiB', () => withMessage({ role: 'r'.repeat(4 * 1024 * 1024), content: '' })],
  ])('are reported in bounded time and size for a hostile body: %s', (_what, body) => {
    const faults = faultsIn(body());
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(faults).length).toBeLessThan(64 * 1024);
  });

  it.each([
    [98, 98],
    [99, 99],
    [100, 100],
    [5000, 100],
  ])('come with a remark when some may be left out: %d wrong fields', (wrong, told) => {
    const faults = faultsIn({ ...minimal, ...pairs(wrong) });
    const more = { pointer: '', message: 'There may be more faults; these are the first' };
    expect(faults.length).toBe(told);
    expect(faults.filter((fault) => fault.message === more.message)).toEqual(wrong < 100 ? [] : [more]);
  });
});

describe('the fingerprint', () => {
  const full = {
    ...minimal,
    temperature: 0.5,
    max_tokens: 10,
    webhook_url: 'https://hooks.example.com/h',
    metadata: { a: '1', b: '2' },
    expires_in: 600,
  };
  const reversed = (object: object) => Object.fromEntries(Object.entries(object).reverse());

  it.each<[what: string, one: object, other: object]>([
    ['names in another order', full, reversed(full)],
    ['metadata in another order', full, { ...full, metadata: { b: '2', a: '1' } }],
    ['a message in another order', minimal, withMessage({ content: 'hi', role: 'user' })],
    [
      'parts in another order',
      withContent([{ type: 'text', text: 'x' }]),
      withContent([{ text: 'x', type: 'text' }]),
    ],
    ['a default that is spelt out', minimal, { ...minimal, temperature: 0.7, max_tokens: 512 }],
    ['null for a default', minimal, { ...minimal, temperature: null, max_tokens: null, metadata: null }],
    [
      'members that say nothing',
      withMessage({ role: 'assistant', content: 'x' }),
      withMessage({ role: 'assistant', content: 'x', refusal: null, annotations: [] }),
    ],
    ['the other defaults', minimal, { ...minimal, metadata: {}, expires_in: 86_400 }],
    ['negative zero', { ...minimal, temperature: 0 }, { ...minimal, temperature: -0 }],
    ['a number in another notation', { ...minimal, max_tokens: 1000 }, JSON.parse('{"max_tokens":1e3}')],
    ['escapes', withContent('é/'), withContent(JSON.parse('"\\u00e9\\/"'))],
  ])('is the same for %s', (_what, one, other) => {
    expect(fingerprint(valid({ ...minimal, ...other }))).toBe(fingerprint(valid(one)));
  });

  it.each<[what: string, other: object]>([
    ['another model', { model_id: 'n' }],
    ['other messages', { messages: [[{ role: 'user', content: 'ho' }]] }],
    ['another role', { messages: [[{ role: 'system', content: 'hi' }]] }],
    ['one more conversation', { messages: [...minimal.messages, ...minimal.messages] }],
    [
      'one conversation of two',
      { messages: [[...(minimal.messages[0] ?? []), { role: 'user', content: 'x' }]] },
    ],
    ['text as a part', withContent([{ type: 'text', text: 'hi' }])],
    ['another temperature', { temperature: 0.6 }],
    ['other tokens', { max_tokens: 11 }],
    ['another webhook', { webhook_url: 'https://hooks.example.com/i' }],
    ['no webhook', { webhook_url: undefined }],
    ['no webhook, not even the default', { webhook_url: null }],
    ['another value', { metadata: { a: '1', b: '3' } }],
    ['values that changed places', { metadata: { a: '2', b: '1' } }],
    ['no metadata', { metadata: {} }],
    ['another expiry', { expires_in: 601 }],
    ['another Unicode form', withContent('e\u0301')],
  ])('differs for %s', (_what, other) => {
    expect(fingerprint(valid({ ...full, ...other }))).not.toBe(fingerprint(valid(full)));
  });

  it('differs for each destination, for none at all, and for the default', () => {
    const destinations = [undefined, null, 'orders', 'other', '[null,"fail"]'];
    const prints = destinations.flatMap((destination) =>
      [undefined, 60].map((queue_for) => fingerprint({ ...valid(minimal), destination, queue_for })),
    );
    expect(new Set(prints).size).toBe(2 * destinations.length);
  });

  it('is the same in every release, so that a key used before an update still finds its job', () => {
    expect(fingerprint(valid(full))).toBe('e633e63f2dd0c91920b6ee58f49c64e220ecd5fd9864a84428b26b694423b92b');
  });
});

it('the flows know a request by its model and its number of conversations', () => {
  const message = { role: 'user' as const, content: 'Hello' };
  const generation = { model_id: 'm', messages: [[message], [message]], temperature: 0.7, max_tokens: 512 };
  expect(workOf(generation)).toEqual({ modelId: 'm', totalTasks: 2 });
});

it('what ModelStudio is asked for has nothing else of the submission in it', () => {
  const submission = valid({ ...minimal, webhook_url: null, metadata: { a: 'b' }, queue_for: 60 });
  expect(generationIn(submission)).toEqual({ ...minimal, temperature: 0.7, max_tokens: 512 });
});
