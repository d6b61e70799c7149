import type { EstablishmentProblem, NumberTrouble } from '../core/establishment.js'
import type { MaterialProblem } from '../x509/material.js'

/** Why a text is no number of an establishment, in French. */
export function frenchNumber({ found, trouble, meant }: EstablishmentProblem): string {
  const question = meant === undefined ? '' : ` ; vouliez-vous dire \`${meant}\` ?`
  return `numéro FINESS de 9 caractères ou IdNatStruct attendu, trouvé ${found} : ${troubles[trouble]}${question}`
}

/** Why a file of certificates cannot be used, in French; of what is malformed the detail stays as it is. */
export function frenchMaterial(refused: {
  readonly problem: MaterialProblem['code']
  readonly message: string
  readonly line?: number | undefined
}): string {
  const { problem, message, line } = refused
  const place = line === undefined ? '' : `ligne ${line} : `
  const detail = detailed.has(problem) ? ` (${message})` : ''
  return `${place}${materials[problem]}${detail}`
}

const troubles: Readonly<Record<NumberTrouble, string>> = {
  empty: 'le texte est vide',
  spaces: 'il contient des espaces',
  quotes: 'il contient des guillemets ou apostrophes',
  scientific:
    'un tableur l’a mis en notation scientifique, et des chiffres peuvent être perdus ; reprenez-le à la source',
  decimal: 'un tableur en a fait un nombre décimal',
  'functional-id': 'un identifiant fonctionnel (`région/numéro`) ne désigne pas d’établissement',
  'unit-code': 'un code d’unité le suit',
  'lower-case': 'il contient des minuscules',
  characters: 'seuls les chiffres 0-9 et les lettres A-Z y ont place',
  'zero-lost': 'il a 8 chiffres : un zéro initial s’est sans doute perdu',
  siret: '14 chiffres sont un SIRET, qui s’écrit avec le préfixe 3',
  'letters-alike': 'il contient des lettres à la place de chiffres',
  prefix: 'son préfixe n’existe pas (de 0 à 4)',
  letter: 'une lettre est à la place d’un chiffre',
  length: 'sa longueur n’est pas celle d’un numéro',
}

const detailed: ReadonlySet<MaterialProblem['code']> = new Set([
  'material-unknown',
  'public-key-malformed',
  'pkcs7-malformed',
  'certificate-malformed',
  'certificate-name-refused',
  'pem-malformed',
])

const materials: Readonly<Record<MaterialProblem['code'], string>> = {
  'material-too-large': 'le fichier est trop grand pour des certificats',
  'material-unknown': 'ce fichier ne contient ni certificat ni clé publique lisible',
  'base64-alone':
    'du Base64 sans les lignes BEGIN et END du format PEM ; demandez le fichier tel qu’exporté, avec `-----BEGIN CERTIFICATE-----` devant et `-----END CERTIFICATE-----` derrière',
  'ssh-key': 'une clé publique SSH ; un certificat X.509 est attendu',
  'certificate-absent': 'aucun certificat dans ce fichier',
  'certificate-request': 'une demande de certificat (CSR) ; le certificat lui-même est attendu',
  'public-key-only': 'une clé publique seule ; le certificat est attendu',
  'public-key-malformed': 'la clé publique n’est pas lisible',
  'pkcs7-malformed': 'la structure PKCS#7 n’est pas lisible',
  'authority-only': 'des certificats d’autorités seuls ; celui du partenaire est attendu',
  'certificate-too-large': 'le certificat est trop grand',
  'certificate-malformed': 'le certificat est mal formé',
  'certificate-name-refused': 'le certificat porte un nom que les programmes liraient de deux façons',
  'pem-malformed': 'le format PEM n’est pas respecté',
  'private-key-present': 'ce fichier contient une clé privée',
  'text-encoding': 'le texte est en UTF-16 ; un fichier PEM en ASCII ou UTF-8 est attendu',
}
