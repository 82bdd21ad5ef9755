// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from './load.ts';

/** Bugs by which what is stored is lost to a later release, or outlives its time. */
export const KEEPING_MUTANTS: Mutant[] = [
  {
    name: 'a row of a later release is read and written like any other',
    file: 'edge/jobs-table.ts',
    find: "  if (isLater(row)) throw new LaterFormat(`The row of ${job['jobId']}`, job['client']);\n",
    replace: '',
    seed: 19,
  },
  {
    name: 'a status that is not known is taken for an end',
    file: 'edge/jobs-table.ts',
    find: "isLaterFormat(format, ROW_FORMAT) || !(status === 'deleted' || STATUSES.includes(status));",
    replace: 'isLaterFormat(format, ROW_FORMAT) || status === undefined;',
    seed: 168,
  },
  {
    name: 'a message of a later release is deleted',
    file: 'edge/lambda-sqs.ts',
    find: "      if (isLaterFormat(body?.format)) throw new LaterFormat('The message');\n",
    replace: '      if (isLaterFormat(body?.format)) return [];\n',
    seed: 44,
  },
  {
    name: 'a message for later is given up like one that failed',
    file: 'edge/lambda-sqs.ts',
    find: 'error instanceof LaterFormat ? AGAIN_FOR_LATER_SECONDS : null;',
    replace: 'error instanceof LaterFormat ? null && AGAIN_FOR_LATER_SECONDS : null;',
    seed: 1190,
  },
  {
    name: 'a document of a later release is taken for gone',
    file: 'edge/documents.ts',
    find: '      if (isLaterFormat(format)) throw new LaterFormat(`The document ${key}`);\n',
    replace: '',
    seed: 270,
  },
  {
    name: 'an object of a later release is read like any other',
    file: 'edge/document-bucket.ts',
    find: "      if (isLaterFormat(object.Metadata?.['format'])) throw new LaterFormat(`The document ${Key}`);\n",
    replace: '',
    seed: 607,
  },
  {
    name: 'a job of a later release is not found',
    file: 'http/show.ts',
    find: 'if (error instanceof LaterFormat && error.client !== client) return null;',
    replace: 'if (error instanceof LaterFormat) return null;',
    seed: 19,
  },
  {
    name: 'a row that is past its time is found as long as it is there',
    file: 'edge/jobs-table.ts',
    find: '  if (Number(ttl) <= unixSeconds(clock)) return null;\n',
    replace: '',
    seed: 34,
  },
  {
    name: 'a key is not free as long as a row is there that is past its time',
    file: 'edge/jobs-table.ts',
    find: "ConditionExpression: 'attribute_not_exists(jobId) OR #ttl <= :now',",
    replace: "ConditionExpression: 'attribute_not_exists(jobId)',",
    seed: 34,
  },
  {
    name: 'a document lives no longer than its row',
    file: 'core/limits.ts',
    find: 'DOCUMENT_EXTRA_DAYS = 10;',
    replace: 'DOCUMENT_EXTRA_DAYS = 0;',
    seed: 189,
  },
];
