import type { IncomingHttpHeaders } from 'node:http'

/** Any JSON value; arrays and objects may be changed, since the stand-in's resources really change. */
export type Json = string | number | boolean | null | Json[] | JsonObject

export interface JsonObject {
  [name: string]: Json | undefined
}

/** A FHIR resource with its logical id. */
export interface Resource extends JsonObject {
  resourceType: string
  id: string
}

/** A request as the stand-in reads it: as leniently as servers behind a gateway are known to read. */
export interface ReceivedRequest {
  readonly method: string
  /** Decoded, `;` parameters cut off, `//` and dot segments resolved. */
  readonly path: string
  /** What stands behind `?`, as sent. */
  readonly query: string
  readonly parameters: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** What absolute URLs in answers begin with, from `X-Forwarded-*` or else the Host, as HAPI FHIR does. */
  readonly origin: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** What is sent back. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Whether this is a JSON object, not an array, not null. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of a list, or the one object where no list stands; nothing for anything else. */
export function objectsOf(value: Json | undefined): readonly JsonObject[] {
  if (Array.isArray(value)) return value.filter(isObject)
  return isObject(value) ? [value] : []
}

/** The text at this name, or undefined. */
export function textAt(value: JsonObject | undefined, name: string): string | undefined {
  const text = value?.[name]
  return typeof text === 'string' ? text : undefined
}

/** JSON of a body, or undefined where it is none. */
export function jsonOf(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json // what JSON.parse returns is JSON
  } catch {
    return undefined
  }
}

/** One field's value, the first where it was sent several times. */
export function fieldOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
