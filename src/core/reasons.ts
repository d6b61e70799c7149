/** How a reason answers: its status, the nearest FHIR issue type, and what people read. */
export interface ReasonRendering {
  readonly status: 400 | 401 | 403 | 405 | 408 | 413 | 414 | 415 | 421 | 429 | 431 | 503
  /** @see FHIR R4 valueset-issue-type */
  readonly issue: IssueType
  /** Error code on the token path. @see RFC 6749 section 5.2 */
  readonly oauth: 'invalid_client' | 'invalid_request' | 'unauthorized_client' | 'temporarily_unavailable'
  readonly en: string
  readonly fr: string
}

type IssueType =
  | 'login'
  | 'forbidden'
  | 'expired'
  | 'transient'
  | 'invalid'
  | 'structure'
  | 'required'
  | 'too-long'
  | 'not-supported'
  | 'throttled'
  | 'security'
  | 'business-rule'
  | 'multiple-matches'
  | 'timeout'

const table = {
  'request-ambiguous': {
    status: 400,
    issue: 'structure',
    oauth: 'invalid_request',
    en: 'the request can be read in two ways, so it is not forwarded',
    fr: 'la requête peut se lire de deux façons, elle n’est donc pas transmise',
  },
  'request-too-long': {
    status: 414,
    issue: 'too-long',
    oauth: 'invalid_request',
    en: 'the request target is longer than this gateway takes',
    fr: 'l’adresse demandée est plus longue que ce que la passerelle accepte',
  },
  'header-too-large': {
    status: 431,
    issue: 'too-long',
    oauth: 'invalid_request',
    en: 'the header section is larger than this gateway takes',
    fr: 'les en-têtes sont plus volumineux que ce que la passerelle accepte',
  },
  'request-timeout': {
    status: 408,
    issue: 'timeout',
    oauth: 'invalid_request',
    en: 'the request did not arrive whole in time',
    fr: 'la requête n’est pas arrivée entière dans le délai',
  },
  'method-not-supported': {
    status: 405,
    issue: 'not-supported',
    oauth: 'invalid_request',
    en: 'this method is not served here',
    fr: 'cette méthode n’est pas servie ici',
  },
  'environment-mismatch': {
    status: 421,
    issue: 'security',
    oauth: 'invalid_request',
    en: 'the Host does not belong to the environment this connection was opened for',
    fr: 'l’hôte demandé n’appartient pas à l’environnement pour lequel cette connexion a été ouverte',
  },
  'certificate-missing': {
    status: 401,
    issue: 'login',
    oauth: 'invalid_client',
    en: 'no client certificate was presented; an IGC-Santé organisation certificate is required',
    fr: 'aucun certificat client n’a été présenté ; un certificat d’organisation IGC-Santé est exigé',
  },
  'certificate-untrusted': {
    status: 401,
    issue: 'security',
    oauth: 'invalid_client',
    en: 'the client certificate does not chain to an authority trusted in this environment',
    fr: 'le certificat client ne remonte pas à une autorité reconnue dans cet environnement',
  },
  'certificate-other-environment': {
    status: 401,
    issue: 'security',
    oauth: 'invalid_client',
    en: 'the client certificate belongs to another environment (TEST and PROD are kept apart)',
    fr: 'le certificat client appartient à un autre environnement (TEST et PROD sont séparés)',
  },
  'certificate-expired': {
    status: 401,
    issue: 'expired',
    oauth: 'invalid_client',
    en: 'the client certificate, or an authority above it, has expired',
    fr: 'le certificat client, ou une autorité au-dessus de lui, a expiré',
  },
  'certificate-not-yet-valid': {
    status: 401,
    issue: 'security',
    oauth: 'invalid_client',
    en: 'the client certificate is not valid yet',
    fr: 'le certificat client n’est pas encore valide',
  },
  'certificate-purpose': {
    status: 401,
    issue: 'security',
    oauth: 'invalid_client',
    en: 'the certificate is not meant for client authentication',
    fr: 'le certificat n’est pas destiné à l’authentification d’un client',
  },
  'certificate-revoked': {
    status: 401,
    issue: 'security',
    oauth: 'invalid_client',
    en: 'the client certificate has been revoked',
    fr: 'le certificat client a été révoqué',
  },
  'revocation-unknown': {
    status: 503,
    issue: 'transient',
    oauth: 'temporarily_unavailable',
    en: 'the revocation status of the client certificate cannot be established at the moment',
    fr: 'l’état de révocation du certificat client ne peut pas être établi pour le moment',
  },
  'certificate-not-listed': {
    status: 403,
    issue: 'forbidden',
    oauth: 'unauthorized_client',
    en: 'the client certificate is not on the whitelist of this environment',
    fr: 'le certificat client ne figure pas sur la liste blanche de cet environnement',
  },
  'partner-not-yet-valid': {
    status: 403,
    issue: 'forbidden',
    oauth: 'unauthorized_client',
    en: 'the access granted to this partner has not begun',
    fr: 'l’accès accordé à ce partenaire n’a pas commencé',
  },
  'partner-expired': {
    status: 403,
    issue: 'expired',
    oauth: 'unauthorized_client',
    en: 'the access granted to this partner has ended',
    fr: 'l’accès accordé à ce partenaire a pris fin',
  },
  'certificate-retired': {
    status: 403,
    issue: 'expired',
    oauth: 'unauthorized_client',
    en: 'this client certificate was listed until a date that has passed; present the one that replaced it',
    fr: 'ce certificat client était inscrit jusqu’à une date passée ; présentez celui qui l’a remplacé',
  },
  'api-unknown': {
    status: 403,
    issue: 'not-supported',
    oauth: 'invalid_request',
    en: 'no API of this gateway stands at this host and path',
    fr: 'aucune API de cette passerelle ne se trouve à cet hôte et à ce chemin',
  },
  'api-not-granted': {
    status: 403,
    issue: 'forbidden',
    oauth: 'unauthorized_client',
    en: 'this partner has not been granted this API',
    fr: 'cette API n’a pas été ouverte à ce partenaire',
  },
  'rate-limited': {
    status: 429,
    issue: 'throttled',
    oauth: 'temporarily_unavailable',
    en: 'this partner sends more requests than it has been granted',
    fr: 'ce partenaire envoie plus de requêtes que ce qui lui est accordé',
  },
  'ror-header-mismatch': {
    status: 403,
    issue: 'forbidden',
    oauth: 'unauthorized_client',
    en: 'a Ror-* header differs from what has been granted to this partner',
    fr: 'un en-tête Ror-* diffère de ce qui a été accordé à ce partenaire',
  },
  'token-binding-mismatch': {
    status: 401,
    issue: 'security',
    oauth: 'invalid_client',
    en: 'the access token is not bound to the certificate of this connection',
    fr: 'le jeton d’accès n’est pas lié au certificat de cette connexion',
  },
  'client-id-mismatch': {
    status: 403,
    issue: 'forbidden',
    oauth: 'invalid_client',
    en: 'the client id is not the one that has been given to this partner',
    fr: 'l’identifiant client (client_id) n’est pas celui qui a été attribué à ce partenaire',
  },
  'write-not-described': {
    status: 403,
    issue: 'not-supported',
    oauth: 'invalid_request',
    en: 'this write is not open to partners',
    fr: 'cette écriture n’est pas ouverte aux partenaires',
  },
  'establishment-missing': {
    status: 400,
    issue: 'required',
    oauth: 'invalid_request',
    en: 'the write names no establishment',
    fr: 'l’écriture ne désigne aucun établissement',
  },
  'establishment-ambiguous': {
    status: 400,
    issue: 'multiple-matches',
    oauth: 'invalid_request',
    en: 'the write names its establishment in a way that can be read in two ways',
    fr: 'l’écriture désigne son établissement d’une façon qui peut se lire de deux manières',
  },
  'establishment-unresolvable': {
    status: 403,
    issue: 'business-rule',
    oauth: 'invalid_request',
    en: 'the identifier sent does not lead to an establishment',
    fr: 'l’identifiant envoyé ne conduit à aucun établissement',
  },
  'establishment-not-permitted': {
    status: 403,
    issue: 'forbidden',
    oauth: 'unauthorized_client',
    en: 'this certificate may not write for this establishment',
    fr: 'ce certificat ne peut pas écrire pour cet établissement',
  },
  'body-too-large': {
    status: 413,
    issue: 'too-long',
    oauth: 'invalid_request',
    en: 'the body is larger than what is taken here',
    fr: 'le corps est plus volumineux que ce qui est accepté ici',
  },
  'body-unreadable': {
    status: 400,
    issue: 'invalid',
    oauth: 'invalid_request',
    en: 'the body is not what its media type says, or cannot be judged',
    fr: 'le corps n’est pas ce qu’annonce son type de média, ou ne peut pas être contrôlé',
  },
  'media-type-unsupported': {
    status: 415,
    issue: 'not-supported',
    oauth: 'invalid_request',
    en: 'the media type or content encoding of the body is not taken for this write',
    fr: 'le type de média ou l’encodage du corps n’est pas accepté pour cette écriture',
  },
} as const satisfies Record<string, ReasonRendering>

/** Why a request is refused: a closed list, never renamed once released. */
export type DenialReason = keyof typeof table

/** Every reason, in the order in which they are judged and documented. */
export const denialReasons = Object.keys(table) as readonly DenialReason[] // the keys of a closed literal

/** Status, issue code and sentences of a reason. */
export function renderingOf(reason: DenialReason): ReasonRendering {
  return table[reason]
}
