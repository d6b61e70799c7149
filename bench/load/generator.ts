import type { ConnectionOptions } from 'node:tls'
import { Connection, optionsOf } from './connection.js'
import type { Command, LoadResult } from './protocol.js'
import { Tally } from './tally.js'

// The load generator: mutual TLS over raw sockets, as a process of its own. It takes one command at a
// time from the process that started it, and answers each when it is done.
let options: ConnectionOptions = {}
let connections: Connection[] = []

process.on('message', (command: Command) => {
  obey(command).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ problem: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

async function obey(command: Command): Promise<LoadResult> {
  switch (command.do) {
    case 'open':
      return open(command)
    case 'run':
      return run(command)
    case 'handshakes':
      return handshakes(command)
    case 'close':
      for (const connection of connections) connection.close()
      connections = []
      return new Tally().result()
  }
}

async function open({ to, count, request }: Command & { do: 'open' }): Promise<LoadResult> {
  options = optionsOf(to)
  const tally = new Tally()
  let left = count
  const opener = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const connection = await Connection.open(options)
      const sentAt = performance.now()
      tally.answered(await connection.ask(request), performance.now() - sentAt)
      connections.push(connection)
    }
  }
  await Promise.all(Array.from({ length: 16 }, opener))
  return tally.result()
}

async function run({ milliseconds, request }: Command & { do: 'run' }): Promise<LoadResult> {
  const tally = new Tally()
  const until = performance.now() + milliseconds
  const turn = async (index: number): Promise<void> => {
    while (performance.now() < until) {
      let sentAt = performance.now()
      try {
        let connection = connections[index]
        if (connection === undefined || connection.isOver) {
          connection?.close()
          connection = await Connection.open(options)
          connections[index] = connection
          sentAt = performance.now()
        }
        const status = await connection.ask(request)
        tally.answered(status, performance.now() - sentAt)
      } catch (error) {
        tally.failed(error)
      }
    }
  }
  await Promise.all(connections.map((_, index) => turn(index)))
  return tally.result()
}

async function handshakes(command: Command & { do: 'handshakes' }): Promise<LoadResult> {
  const { milliseconds, request, atOnce, resumed } = command
  const fresh = optionsOf(command.to)
  const each = resumed ? { ...fresh, session: await sessionOf(fresh, request) } : fresh
  const tally = new Tally()
  const until = performance.now() + milliseconds
  const turn = async (): Promise<void> => {
    do {
      const startedAt = performance.now()
      try {
        const connection = await Connection.open(each)
        tally.answered(await connection.ask(request), performance.now() - startedAt)
        if (connection.socket.isSessionReused()) tally.resumed += 1
        connection.close()
      } catch (error) {
        tally.failed(error)
      }
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: atOnce }, turn))
  return tally.result()
}

async function sessionOf(to: ConnectionOptions, request: Uint8Array): Promise<Buffer> {
  const connection = await Connection.open(to)
  const session = new Promise<Buffer>((resolve) => connection.socket.once('session', resolve))
  await connection.ask(request)
  const found = await session
  connection.close()
  return found
}
