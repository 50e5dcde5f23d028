// An oracle: reads a case a line, as `tenantproof ask iam` does, and writes what iam-simulate makes of it, a text of JSON
// a line: allowed, explicitDeny, implicitDeny, or an error with its reason.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const VERDICTS = { Allowed: 'allowed', ExplicitlyDenied: 'explicitDeny', ImplicitlyDenied: 'implicitDeny' }

const named = (list) => (list ?? []).map(({ name, document }) => ({ name, policy: document }))
const levels = (list) => (list ?? []).map((level, at) => ({ orgIdentifier: `level-${at + 1}`, policies: named(level) }))

async function simulate({ request, policies }) {
  const { principal } = request
  // A service has no policies of its own, and none is taken for it.
  const service = principal.type === 'Service'
  const simulation = {
    request: {
      principal: service ? principal.service : principal.arn,
      action: request.action,
      resource: { resource: request.resource, accountId: request.resourceAccount },
      contextVariables: request.context,
    },
    identityPolicies: service ? [] : named(policies.identity),
    serviceControlPolicies: levels(policies.scps),
    resourceControlPolicies: levels(policies.rcps),
    resourcePolicy: policies.resource ?? undefined,
    permissionBoundaryPolicies: policies.boundary && !service ? [{ name: 'boundary', policy: policies.boundary }] : undefined,
    sessionPolicy: service ? undefined : (policies.session ?? undefined),
  }
  const response = await runSimulation(simulation, {})
  if (response.resultType === 'error') return `error: ${JSON.stringify(response.errors)}`
  const ignored = response.result?.ignoredContextKeys ?? response.ignoredContextKeys ?? []
  if (ignored.length > 0) return `error: it ignores ${ignored}`
  return VERDICTS[response.overallResult] ?? `error: ${response.overallResult}`
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let verdict
  try {
    verdict = await simulate(JSON.parse(line))
  } catch (error) {
    verdict = `error: ${error.message}`
  }
  process.stdout.write(`${JSON.stringify(verdict)}\n`)
}
