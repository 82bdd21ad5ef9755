import { EXAMPLES } from './examples.ts';
import { anchorOf, asHtml, asMarkdown, type Block } from './page.ts';
import { fieldRows, nameIn, ruleOf, type Schema, sentences } from './rules.ts';

interface Header {
  description: string;
}

interface Answer {
  description: string;
  headers?: Record<string, Header>;
  content?: Record<string, { schema: Schema }>;
}

interface Operation {
  summary: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, Answer>;
  /** Empty: open to everyone. */
  security?: object[];
}

/** As much of an OpenAPI 3.1 document as ours uses. */
interface Document {
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: Operation }>;
  components: {
    schemas: Record<string, Schema>;
    securitySchemes: Record<string, { scheme: string; bearerFormat: string }>;
  };
}

/** The API's reference as Markdown: docs/api.md. */
export function referenceMarkdown(document: object): string {
  const origin =
    'This page is made of [functions/jobs/openapi.json](../functions/jobs/openapi.json) by `npm run openapi`: change that, not this.';
  const [title, ...rest] = blocksOf(document as Document);
  return asMarkdown([title as Block, { text: origin }, ...rest]);
}

/** The same as a web page of its own, which loads nothing. */
export function referencePage(document: object): string {
  return asHtml(titleOf(document as Document), blocksOf(document as Document));
}

const titleOf = ({ info }: Document) => `${info.title}: the API`;

interface Call {
  name: string;
  operation: Operation;
}

function blocksOf(document: Document): Block[] {
  const { info, webhooks } = document;
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: callName(method, path), operation })),
  );
  const common = commonAnswers(calls);
  return [
    { heading: titleOf(document), level: 1 },
    { text: `${info.description} Version ${info.version}.` },
    ...introduction(document, calls, common),
    { heading: 'Calls', level: 2 },
    ...calls.flatMap((call) => blocksOfOperation(call, 3, document, common)),
    { heading: 'Webhooks', level: 2 },
    ...Object.values(webhooks).flatMap(({ post }) =>
      blocksOfOperation({ name: '`POST` to the `webhook_url`', operation: post }, 3, document, new Map()),
    ),
    { heading: 'Objects', level: 2 },
    ...blocksOfSchemas(document, [...calls.map(({ operation }) => operation), webhooks['job']?.post]),
  ];
}

const callName = (method: string, path: string) => `\`${method.toUpperCase()} ${path}\``;
const linkTo = (heading: string, text = heading) => `[${text}](#${anchorOf(heading)})`;

function introduction({ components }: Document, calls: Call[], common: Map<string, Answer>): Block[] {
  const open = calls.filter(({ operation }) => isOpen(operation)).map(({ name }) => name);
  const [{ bearerFormat } = { bearerFormat: '' }] = Object.values(components.securitySchemes);
  return [
    {
      caption: 'All calls',
      columns: ['call', 'what it does'],
      rows: calls.map(({ name, operation }) => [linkTo(operation.summary, name), `${operation.summary}.`]),
    },
    { heading: 'Every call', level: 2 },
    {
      text:
        `JSON in UTF-8, both ways. Each call needs \`Authorization: Bearer ${bearerFormat}\`, ` +
        `except ${open.join(' and ')}. A refusal is a ${linkTo('Problem')} of the type \`application/problem+json\`. ` +
        "A 500 or 503 without a `code` is the gateway's own and says nothing of what was done: repeat it with the same Idempotency-Key. " +
        '`HEAD` is answered wherever `GET` is, without a body.',
    },
    {
      text:
        'There are no CORS headers: browsers do not let pages of another origin call the API, as a page could not ' +
        'keep its key a secret. Let your server call it.',
    },
    answersTable('Answers that any call may give', [...common]),
  ];
}

const isOpen = ({ security }: Operation) => security?.length === 0;

/** Answers that all calls with a client key may give, and most of them share to the letter: said once. */
function commonAnswers(calls: Call[]): Map<string, Answer> {
  const all = calls.flatMap(({ operation }) => (isOpen(operation) ? [] : [operation.responses]));
  const answers = Object.entries(all[0] ?? {});
  const isShared = (status: string, answer: Answer) =>
    all.every((responses) => responses[status]) &&
    all.filter((responses) => isSame(responses[status], answer)).length > all.length / 2;
  return new Map(answers.filter(([status, answer]) => isShared(status, answer)));
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

function blocksOfOperation(
  { name, operation }: Call,
  level: 2 | 3,
  { components }: Document,
  common: Map<string, Answer>,
): Block[] {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const answers = Object.entries(responses).filter(([status, answer]) => !isSame(common.get(status), answer));
  const body = nameOfBody(requestBody?.content);
  return [
    { heading: summary, level },
    { text: [name, description].filter(Boolean).join(' – ') },
    ...(parameters.length > 0
      ? [
          {
            caption: 'Parameters',
            columns: ['parameter', 'in', 'rule'],
            rows: parameters.map(({ name: parameter, in: place, required, description: said, schema }) => [
              `\`${parameter}\``,
              required ? `${place}, required` : place,
              sentences(ruleOf(schema), ...[said ?? schema.description ?? []].flat()),
            ]),
          },
        ]
      : []),
    ...(body ? bodyBlocks(body, components.schemas) : []),
    answersTable('Answers', answers),
  ];
}

function bodyBlocks(name: string, schemas: Record<string, Schema>): Block[] {
  const schema = schemas[name] ?? {};
  const said = schema.description ? [{ text: schema.description }] : [];
  const fields = fieldRows(schema).length > 0 ? [fieldsTable('Body', schema)] : [];
  return [...said, ...exampleOf(name), ...fields];
}

function nameOfBody(content: Answer['content']): string | null {
  const [{ schema } = { schema: {} as Schema }] = Object.values(content ?? {});
  return schema.$ref ? nameIn(schema.$ref) : null;
}

function fieldsTable(caption: string, schema: Schema): Block {
  return { caption, columns: ['field', 'required', 'rule'], rows: fieldRows(schema) };
}

function exampleOf(name: string): Block[] {
  const example = EXAMPLES[name];
  return example ? [{ code: JSON.stringify(example, null, 2) }] : [];
}

function answersTable(caption: string, answers: [string, Answer][]): Block {
  return {
    caption,
    columns: ['status', 'body', 'meaning'],
    rows: answers.map(([status, { description, headers = {}, content = {} }]) => {
      const bodies = Object.values(content).map(({ schema }) => ruleOf(schema));
      const named = Object.entries(headers).map(([header, said]) => `\`${header}\`: ${said.description}`);
      return [status, [...new Set(bodies)].join(' or ') || '–', [description, ...named].join(' ')];
    }),
  };
}

/** Those that are no request's body, which is described with its call. */
function blocksOfSchemas({ components }: Document, operations: (Operation | undefined)[]): Block[] {
  const { schemas } = components;
  const bodies = operations.map((operation) => nameOfBody(operation?.requestBody?.content));
  const others = Object.entries(schemas).filter(([name]) => !bodies.includes(name));
  return others.flatMap(([name, schema]) => [
    { heading: name, level: 3 as const },
    ...(schema.description ? [{ text: schema.description }] : []),
    ...(likeAnother(name, schemas) ?? [...exampleOf(name), ...content(schema)]),
  ]);
}

function content(schema: Schema): Block[] {
  return schema.properties ? [fieldsTable('Fields', schema)] : [{ text: `${capitalized(ruleOf(schema))}.` }];
}

/** A schema that is another one without some of its fields; null when there is no such. */
function likeAnother(name: string, schemas: Record<string, Schema>): Block[] | null {
  const own = Object.entries(schemas[name]?.properties ?? {});
  const [larger] = Object.entries(schemas).filter(
    ([other, { properties = {} }]) =>
      other !== name && own.length > 0 && own.every(([field, schema]) => isSame(properties[field], schema)),
  );
  if (!larger) return null;
  const missing = Object.keys(larger[1].properties ?? {}).filter(
    (field) => !own.some(([one]) => one === field),
  );
  const list = missing.map((field) => `\`${field}\``).join(', ');
  return [{ text: `As ${linkTo(larger[0])}, without ${list}.` }];
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
