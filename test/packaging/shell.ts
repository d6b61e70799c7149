import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A shell that stays, so that what one block sets another finds. */
export interface Shell {
  /** Runs it to its end; what it printed, and its exit code. */
  run(text: string): Promise<{ readonly output: string; readonly code: number }>
  close(): Promise<void>
}

/** bash in a folder, with these variables alone. */
export function openShell(cwd: string, env: NodeJS.ProcessEnv): Shell {
  const child = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  let see: () => void = () => undefined
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    see()
  })
  child.stdin.write('exec 2>&1\n')
  let fail: (error: Error) => void = () => undefined
  child.once('close', () => {
    fail(new Error(`the shell ended: ${output}`))
  })
  const end = /\n<<end (\d+)>>\n$/
  return {
    run: (text) =>
      new Promise((resolve, reject) => {
        output = ''
        see = () => {
          const found = end.exec(output)
          if (found !== null) resolve({ output: output.slice(0, found.index), code: Number(found[1]) })
        }
        fail = reject
        child.stdin.write(`${text}\nprintf '\\n<<end %d>>\\n' $?\n`)
      }),
    close: async () => {
      const closed = once(child, 'close')
      child.stdin.end()
      await closed
    },
  }
}
