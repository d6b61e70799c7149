import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Command, LoadResult } from './protocol.js'

/** The upstream, as a process of its own. */
export interface UpstreamProcess {
  readonly port: number
  /** Requests that it was ever sent. */
  requests(): Promise<number>
  stop(): void
}

/** The load generator, as a process of its own. */
export interface Generator {
  /** @throws Error where it could not do it */
  do(command: Command): Promise<LoadResult>
  stop(): void
}

export async function startUpstream(): Promise<UpstreamProcess> {
  const child = start('./upstream.js')
  const { port } = (await told(child)) as { port: number } // what upstream.ts tells first
  return {
    port,
    requests: async () => {
      child.send('requests')
      const { requests } = (await told(child)) as { requests: number } // what upstream.ts tells when asked
      return requests
    },
    stop: () => {
      child.kill()
    },
  }
}

export function startGenerator(): Generator {
  const child = start('./generator.js')
  return {
    do: async (command) => {
      child.send(command)
      const reply = (await told(child)) as { result: LoadResult } | { problem: string } // as generator.ts answers
      if ('problem' in reply) throw new Error(`the generator could not ${command.do}: ${reply.problem}`)
      return reply.result
    },
    stop: () => {
      child.kill()
    },
  }
}

function start(file: string): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: 'advanced' })
}

/** The next message; an error where the process ends instead. */
async function told(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const stop = (): void => {
    ended.abort(new Error('the process ended'))
  }
  child.once('exit', stop)
  try {
    const [message] = (await once(child, 'message', { signal: ended.signal })) as unknown[] // one argument
    return message
  } finally {
    child.off('exit', stop)
  }
}
