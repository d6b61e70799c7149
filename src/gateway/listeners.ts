import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { endTurn } from '../http/pipelining.js'
import { answerClientError } from '../http/server-errors.js'
import type { InheritedSocket } from '../tls/inherited-sockets.js'
import { listenTls, type Listener } from '../tls/listener.js'
import { peerOf } from '../tls/peer.js'
import { auditClient } from './audit-client.js'
import type { Connections } from './connections.js'
import { judgeHandshake } from './handshake.js'
import type { Observers } from './observers.js'
import type { EnvironmentPolicy, Policy } from './policy.js'
import { eventOf, serveRequest } from './request.js'
import type { GatewayState } from './state.js'
import { TlsMaterials } from './tls-materials.js'

/** A listening address and the environments behind it. */
export interface EnvironmentListener {
  readonly environments: readonly string[]
  readonly listener: Listener
  /** Takes up certificates, authorities and ticket keys where they are others by now; open connections stay. */
  refresh(): void
}

interface ListenerNeeds {
  readonly policy: Policy
  readonly state: GatewayState
  readonly observers: Observers
  readonly connections: Connections
  /** Sockets that listen already; each belongs to the listener of its port. */
  readonly sockets: readonly InheritedSocket[]
}

/**
 * Opens every listening address of a policy; environments that name the same one share it by SNI.
 *
 * @throws Error naming the address that cannot be listened on; those opened before it are closed
 */
export async function openListeners(needs: ListenerNeeds): Promise<readonly EnvironmentListener[]> {
  const opened: EnvironmentListener[] = []
  const groups = byAddress(needs.policy)
  for (const { port } of needs.sockets) {
    const claims = groups.filter(([first]) => first?.config.listen.port === port).length
    if (claims !== 1)
      throw new Error(`a socket on port ${port} was handed over, and ${claims} addresses have it`)
  }
  try {
    for (const environments of groups) opened.push(await openListener(environments, needs))
  } catch (error) {
    await Promise.all(opened.map(({ listener }) => listener.close()))
    throw error
  }
  return opened
}

function byAddress(policy: Policy): EnvironmentPolicy[][] {
  const groups = new Map<string, EnvironmentPolicy[]>()
  for (const environment of policy.environments.values()) {
    const { host, port } = environment.config.listen
    // port 0 is a port of one's own each time
    const key = port === 0 ? environment.name : `${host} ${port}`
    groups.set(key, [...(groups.get(key) ?? []), environment])
  }
  return [...groups.values()]
}

async function openListener(
  environments: readonly EnvironmentPolicy[],
  { policy, state, observers, connections, sockets }: ListenerNeeds,
): Promise<EnvironmentListener> {
  const [first] = environments
  if (first === undefined) throw new Error('a listener needs an environment')
  const names = environments.map(({ name }) => name)
  const { host, port, place } = first.config.listen
  const { limits } = policy.config
  const entrance = {
    environmentOf: (serverName: string | undefined): string => {
      if (serverName === undefined || names.length === 1) return first.name
      const current = state.policy()
      return names.find((name) => current.environments.get(name)?.hosts.has(serverName)) ?? first.name
    },
  }
  const materials = new TlsMaterials(names, state)
  try {
    const fd = sockets.find((socket) => socket.port === port)?.fd
    const listener = await listenTls({
      host,
      port,
      ...(fd !== undefined && { fd }),
      materials: materials.current(),
      headerBytes: limits.headerBytes,
      headersTimeoutMs: limits.headersTimeoutMs,
      requestTimeoutMs: limits.requestTimeoutMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      maxConnections: limits.maxConnections,
      connectionsPerAddress: limits.connectionsPerAddress,
      handshakes: limits.handshakes,
      requestsPerConnection: limits.requestsPerConnection,
      answerTimeoutMs: limits.answerTimeoutMs,
      answerBytesPerSecond: limits.answerBytesPerSecond,
      onRequest: (request, response) => {
        const { socket } = request
        const environment = entrance.environmentOf(peerOf(socket).serverName)
        if (connections.began(socket)) response.shouldKeepAlive = false
        observers.metrics.requestsInFlight(environment, 1)
        void serveRequest(state, entrance, { request, response }).finally(() => {
          endTurn(socket, response)
          connections.finished(socket)
          observers.metrics.requestsInFlight(environment, -1)
        })
      },
      onClientError: (error, socket) => {
        if (!(socket instanceof Socket)) {
          socket.destroy()
          return
        }
        answerClientError(error, socket, {
          newRequestId: randomUUID,
          headerBytes: limits.headerBytes,
          underWay: eventOf,
          onMalformed: (malformed) => {
            const peer = peerOf(socket)
            const identified = state.identities.identify(peer)
            const client = auditClient(peer, identified.ok ? identified.value.certificate : undefined)
            const environment = entrance.environmentOf(peer.serverName)
            observers.malformed({ ...malformed, environment, client })
          },
        })
      },
      onSecure: (socket) => {
        const peer = peerOf(socket)
        const environment = entrance.environmentOf(peer.serverName)
        observers.metrics.connections(environment, 1)
        socket.once('close', () => {
          observers.metrics.connections(environment, -1)
        })
        const identified = handshakeOf({ peer, environment, state })
        if (identified === undefined) {
          socket.destroy()
          return
        }
        if (identified.ok) {
          observers.metrics.handshake(environment, peer.resumed ? 'resumed' : 'completed')
          if (identified.value !== undefined)
            connections.add(socket, { environment, identity: identified.value, peer })
          return
        }
        observers.refusedHandshake({ ...identified.problem, peer, environment })
        socket.destroy()
      },
      onLimit: (limit) => {
        observers.limitHit(first.name, limit)
        if (limit !== 'requestsPerConnection') observers.metrics.connectionDropped(first.name)
      },
      onSlowReader: (socket) => {
        observers.limitHit(entrance.environmentOf(peerOf(socket).serverName), 'answerBytesPerSecond')
      },
      onHandshakeFailed: ({ code }, clientAddress) => {
        observers.metrics.handshake(first.name, 'failed')
        // strangers cause it at will: told where somebody looks for it (docs/runbooks/handshakes-failing.md)
        observers.log.debug('a TLS handshake broke', { environment: first.name, clientAddress, code })
        if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') observers.limitHit(first.name, 'handshakeTimeoutMs')
      },
    })
    return {
      environments: names,
      listener,
      refresh: () => {
        if (materials.areOutdated()) listener.replace(materials.current())
      },
    }
  } catch (error) {
    throw new Error(
      `${place.file}:${place.line}:${place.column} cannot listen on ${host}:${port}: ${listenProblem(error)}`,
    )
  }
}

/** Undefined where the judgement itself broke: that connection ends, and nothing else. */
function handshakeOf(
  question: Parameters<typeof judgeHandshake>[0],
): ReturnType<typeof judgeHandshake> | undefined {
  try {
    return judgeHandshake(question)
  } catch (error) {
    question.state.log.error('an unexpected error at the end of a handshake closed its connection', { error })
    return undefined
  }
}

function listenProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return 'another program listens there already'
  if (code === 'EACCES') return 'this user may not listen there'
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address'
  return error instanceof Error ? error.message : String(error)
}
