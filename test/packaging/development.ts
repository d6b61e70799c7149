import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePorts, run, type Program } from '../cli/program.js'
import { openShell, type Shell } from './shell.js'

const compiled = dirname(dirname(fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))))

/** What whoever follows a page has before him: a running `dev`, and a shell in the folder it was started in. */
export interface Development {
  readonly folder: string
  readonly gateway: Program
  readonly shell: Shell
  /** A text of a page, with the ports that are used here in place of the usual ones. */
  readonly here: (text: string) => string
}

/** Starts them in a folder that holds the program alone; all is gone behind the test. */
export async function startDevelopment(context: TestContext): Promise<Development> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-page-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  mkdirSync(join(folder, 'home'))
  symlinkSync(compiled, join(folder, 'dist'))
  const options = ['--sandbox-port', '--production-port', '--admin-port', '--ror-port']
  const ports = await freePorts(options.length)
  const gateway = run(['dev', ...options.flatMap((option, index) => [option, String(ports[index])])], folder)
  context.after(() => gateway.process.kill('SIGKILL'))
  await gateway.until('Stop with Ctrl-C')
  const shell = openShell(folder, { PATH: process.env['PATH'], HOME: join(folder, 'home'), LANG: 'C.UTF-8' })
  context.after(() => shell.close())
  const usual = ['8443', '8444', '9464', '9080']
  return {
    folder,
    gateway,
    shell,
    here: (text) =>
      usual.reduce((said, port, index) => said.replaceAll(`:${port}`, `:${String(ports[index])}`), text),
  }
}
