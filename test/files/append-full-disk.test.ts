import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { scratchFolder } from './scratch.js'

const run = promisify(execFile)

/**
 * Writes lines until the 8,192 bytes are full that a file may have at first: how it went, and how many lines
 * of 100 bytes are taken in once all is written.
 *
 * @param onFull - a statement, for when the disk is full, before there is space again
 */
async function fill(path: string, lines: readonly string[], onFull = ''): Promise<string> {
  const module = new URL('../../src/files/append.js', import.meta.url).href
  // a file size limit cuts a write in its middle as a full disk does; lifting it is more space
  const program = `
    import { openAppendFile } from ${JSON.stringify(module)}
    import { execFileSync } from 'node:child_process'
    import { renameSync } from 'node:fs'
    const path = ${JSON.stringify(path)}
    const alive = setInterval(() => {}, 60000)
    const { value: file } = await openAppendFile({
      target: { path }, maxQueued: 1e6, retryMs: 20, rotationCheckMs: 0,
      onProblem: (problem) => {
        process.stdout.write(problem.code)
        ${onFull}
        execFileSync('prlimit', ['--fsize=unlimited', '--pid', String(process.pid)])
      },
      onRecovered: async (lost) => {
        await file.flush()
        let taken = 0
        while (file.write('x'.repeat(99) + '\\n')) taken += 1
        process.stdout.write(' recovered ' + lost + ' taken ' + taken)
        await file.close()
        clearInterval(alive)
      },
    })
    for (const line of ${JSON.stringify(lines)}) file.write(line)`
  const command = `ulimit -S -f 8; exec "$0" --input-type=module -e "$1"`
  const { stdout } = await run('bash', ['-c', command, process.execPath, program], { timeout: 30_000 })
  return stdout
}

const behindThem = `${'x'.repeat(99)}\n`.repeat(10_000)

test('a line torn by a full disk is completed when there is space again, and counted once', async (context) => {
  const folder = await scratchFolder(context)
  const some = Array.from({ length: 1_000 }, (_, index) => `${index} aé€😀\n`)
  // nothing but its newline is missing
  const exact = [`${'y'.repeat(8_192)}\n`, 'last\n']
  for (const [name, lines] of Object.entries({ some, exact })) {
    const path = join(folder, name)
    assert.equal(await fill(path, lines), 'disk-full recovered 0 taken 10000')
    assert.ok((await readFile(path, 'utf8')) === lines.join('') + behindThem, name)
  }
})

test('a line torn by a full disk is written whole to the file that takes its place', async (context) => {
  const folder = await scratchFolder(context)
  // of the first, nothing but its newline is missing
  for (const size of [8_186, 9_000]) {
    const path = join(folder, String(size))
    const lines = ['first\n', `${'y'.repeat(size)}\n`, 'last\n']
    const onFull = `renameSync(path, path + '.1')`
    assert.equal(await fill(path, lines, onFull), 'disk-full recovered 0 taken 10000')
    assert.equal(await readFile(`${path}.1`, 'utf8'), lines.join('').slice(0, 8_192))
    assert.ok((await readFile(path, 'utf8')) === lines.slice(1).join('') + behindThem)
  }
})
