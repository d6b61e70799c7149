import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/shared.js'

/** A fenced block of a page that is to be run, and the block of what it prints, where one follows. */
export interface ShellBlock {
  /** `setup` and `background`, where they stand behind `sh`. */
  readonly kind: string
  readonly text: string
  readonly line: number
  /** In this order; whatever stands between them. */
  readonly prints: readonly string[]
}

const ellipsis = '…'

/** The `sh` blocks of a page, in their order. */
export function shellBlocksOf(page: string): readonly ShellBlock[] {
  const text = readFileSync(join(root, page), 'utf8')
  const fences = [...text.matchAll(/^```(\w+)?(?: (\w+))?\n([^]*?)^```$/gm)]
  return fences.flatMap((fence, index): ShellBlock[] => {
    const [whole, language, kind = '', body = ''] = fence
    if (language !== 'sh') return []
    const next = fences[index + 1]
    const isNext = next !== undefined && text.slice(fence.index + whole.length, next.index).trim() === ''
    const prints = isNext && next[1] === 'text' ? (next[3] ?? '').split('\n') : []
    return [
      {
        kind,
        text: body,
        line: text.slice(0, fence.index).split('\n').length,
        prints: prints.map((line) => line.trim()).filter((line) => line !== '' && line !== ellipsis),
      },
    ]
  })
}

/** What a block prints stands in its output, each line behind the one before. */
export function assertPrinted({ line, prints }: ShellBlock, output: string): void {
  let from = 0
  for (const text of prints) {
    const found = output.indexOf(text, from)
    assert.ok(found >= 0, `line ${line}: expected ${text}\nfound ${output}`)
    from = found + text.length
  }
}
