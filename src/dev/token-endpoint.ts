import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { fieldOf, type Answer, type ReceivedRequest } from './exchange.js'

const lifetimeSeconds = 300

/**
 * The token endpoint: client credentials in, a signed Bearer JWT out.
 *
 * The token carries `cnf.x5t#S256` where a `Client-Cert` field came along (RFC 8705 section 3.1,
 * RFC 9440 section 2.2). Every `client_id` is known here: judging is the gateway's.
 *
 * @see RFC 6749 sections 4.4 and 5.2
 */
export function createTokenEndpoint(): (request: ReceivedRequest) => Answer {
  const { privateKey } = generateKeyPairSync('ed25519')
  return (request) => {
    if (request.method !== 'POST') return refused(405, 'invalid_request', 'POST is expected')
    const type = (fieldOf(request.headers, 'content-type') ?? '').split(';', 1).join('').trim().toLowerCase()
    if (type !== 'application/x-www-form-urlencoded') {
      return refused(400, 'invalid_request', 'a form is expected: application/x-www-form-urlencoded')
    }
    const form = new URLSearchParams(request.body.toString('utf8'))
    for (const name of new Set(form.keys())) {
      if (form.getAll(name).length > 1) return refused(400, 'invalid_request', `repeated parameter: ${name}`)
    }
    const grant = form.get('grant_type')
    if (grant === null) return refused(400, 'invalid_request', 'Missing form parameter: grant_type')
    if (grant !== 'client_credentials') {
      return refused(400, 'unsupported_grant_type', 'Unsupported grant_type')
    }
    const clientId = form.get('client_id')
    if (clientId === null || clientId === '') {
      return refused(401, 'invalid_client', 'Invalid client or Invalid client credentials')
    }
    const issuedAt = Math.floor(request.at / 1000)
    const thumbprint = thumbprintOf(fieldOf(request.headers, 'client-cert'))
    const claims = {
      exp: issuedAt + lifetimeSeconds,
      iat: issuedAt,
      jti: randomUUID(),
      iss: `${request.origin}/auth/realms/ror`,
      sub: `service-account-${clientId}`,
      typ: 'Bearer',
      azp: clientId,
      scope: 'profile',
      ...(thumbprint === undefined ? {} : { cnf: { 'x5t#S256': thumbprint } }),
    }
    const signed = `${segment({ alg: 'EdDSA', typ: 'JWT', kid: 'stand-in' })}.${segment(claims)}`
    const token = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
    return json(200, {
      access_token: token,
      expires_in: lifetimeSeconds,
      refresh_expires_in: 0,
      token_type: 'Bearer',
      'not-before-policy': 0,
      scope: 'profile',
    })
  }
}

function thumbprintOf(clientCert: string | undefined): string | undefined {
  const der = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(clientCert ?? '')?.[1]
  return der === undefined
    ? undefined
    : createHash('sha256').update(Buffer.from(der, 'base64')).digest('base64url')
}

function segment(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function refused(status: number, error: string, description: string): Answer {
  return json(status, { error, error_description: description })
}

function json(status: number, body: object): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' },
    body: JSON.stringify(body),
  }
}
