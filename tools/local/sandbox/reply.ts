import type { Conversation, CreateRequest, Message, Refusal } from './request.ts';

/** What a task will answer, small enough to be kept: `repeat` is written out only when it is asked for. */
export type Reply = { text: string } | { repeatBytes: number };

const EXCERPT_MAX_LENGTH = 200;
/** Per job: what still fits comfortably into one JSON string, well beyond what a client can take in. */
export const REPEAT_BYTES_MAX = 64 * 1024 * 1024;
const REPEAT = /^\s*repeat:(\d{1,12})\s*$/;
const FILLER = '0123456789abcdef';

/** The replies to all conversations, in their order. */
export function repliesTo(request: CreateRequest): Reply[] | Refusal {
  const replies = request.messages.map((conversation) => replyTo(conversation, request));
  const repeated = replies.reduce((sum, reply) => sum + ('repeatBytes' in reply ? reply.repeatBytes : 0), 0);
  if (repeated <= REPEAT_BYTES_MAX) return replies;
  return { refusal: `The repeat: prompts of one job may add up to ${REPEAT_BYTES_MAX} bytes at most.` };
}

export function textOf(reply: Reply): string {
  if ('text' in reply) return reply.text;
  return FILLER.repeat(Math.ceil(reply.repeatBytes / FILLER.length)).slice(0, reply.repeatBytes);
}

function replyTo(conversation: Conversation, request: CreateRequest): Reply {
  const prompts = conversation.filter((message) => message.role === 'user').map(promptOf);
  const prompt = prompts.at(-1) ?? promptOf(conversation.at(-1) as Message);
  const repeat = REPEAT.exec(prompt.slice(0, EXCERPT_MAX_LENGTH));
  if (repeat) return { repeatBytes: Number(repeat[1]) };
  return { text: sentence(conversation, prompts, prompt, request) };
}

function sentence(
  conversation: Conversation,
  prompts: string[],
  prompt: string,
  request: CreateRequest,
): string {
  const earlier = prompts.slice(0, -1);
  const system = conversation.filter((message) => message.role === 'system').map(promptOf);
  const images = conversation.flatMap(imageUrlsOf);
  const notes = [
    earlier.length > 0 && `turn ${prompts.length}, after ${quote(earlier.join(' / '))}`,
    system.length > 0 && `system prompt ${quote(system.join(' / '))}`,
    images.length > 0 && `sees ${excerpt(images.map(describeImage).join(', '))}`,
    `temperature ${request.temperature}, max_tokens ${request.max_tokens}`,
  ];
  return `Sandbox reply to ${quote(prompt)} (${notes.filter(Boolean).join('; ')})`;
}

function promptOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(' ');
}

export function imageUrlsOf({ content }: Message): string[] {
  if (typeof content === 'string') return [];
  return content.flatMap((part) => (part.type === 'image_url' ? [part.image_url.url] : []));
}

function describeImage(url: string): string {
  const image = imageIn(url);
  return image ? `${image.mimeType} of ${image.bytes} bytes` : excerpt(url);
}

/** The image in a base64 `data:` URL; null when there is none. */
export function imageIn(url: string): { mimeType: string; bytes: number } | null {
  const comma = url.indexOf(',');
  const [scheme, ...parameters] = url.slice(0, Math.max(0, comma)).toLowerCase().split(';');
  const mimeType = /^data:(image\/[a-z0-9.+-]+)$/.exec(scheme ?? '')?.[1];
  if (mimeType === undefined || parameters.at(-1) !== 'base64') return null;
  const base64 = url.slice(comma + 1).replace(/={0,2}$/, '');
  const bytes = Buffer.from(base64, 'base64').length;
  // Buffer skips what is not base64, so that a wrong text decodes to fewer bytes than its length promises.
  const isWhole = base64.length % 4 !== 1 && bytes === Math.floor((base64.length * 3) / 4);
  return isWhole && bytes > 0 ? { mimeType, bytes } : null;
}

function quote(text: string): string {
  return `"${excerpt(text)}"`;
}

/** A copy: a slice would keep the whole prompt, perhaps many megabytes, in memory for as long as the job. */
function excerpt(text: string): string {
  const isShort = text.length <= EXCERPT_MAX_LENGTH;
  return Buffer.from(isShort ? text : `${text.slice(0, EXCERPT_MAX_LENGTH - 1)}…`).toString();
}
