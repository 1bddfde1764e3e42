import { PosternError } from '@postern/core';

/** A list of a thousand pages has gone wrong somewhere: ours hold at most tens. */
const pagesMax = 1000;

/**
 * Every item of a paged list. A page may be empty and yet carry a token: AWS filters after it cuts pages, and a reader that
 * stops there makes duplicates (Hive's HIVE-2838). Only a page without a token is the last.
 */
export async function allPages<Page, Item>(
  fetch: (token: string | undefined) => Promise<Page>,
  items: (page: Page) => readonly Item[] | undefined,
  tokenOf: (page: Page) => string | undefined,
): Promise<Item[]> {
  const all: Item[] = [];
  let token: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const answer = await fetch(token);
    all.push(...(items(answer) ?? []));
    const nextToken = tokenOf(answer);
    if (nextToken === undefined || nextToken === '') return all;
    if (nextToken === token)
      throw new PosternError('AWS_PAGES', 'AWS gave the same page token twice; the list cannot be read');
    token = nextToken;
  }
  throw new PosternError('AWS_PAGES', `AWS gave more than ${pagesMax} pages for one list`);
}
