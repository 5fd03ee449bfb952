// npm's oidc-provider on a free port of loopback, until stdin ends. It prints its issuer.
import { createServer } from "node:http"
import Provider from "oidc-provider"

const [id, secret, callback] = process.argv.slice(2)
const server = createServer((request, response) => answer(request, response))
await new Promise(listens => server.listen(0, "127.0.0.1", listens))
const issuer = `http://127.0.0.1:${server.address().port}`
const answer = new Provider(issuer, {
	clients: [{ client_id: id, client_secret: secret, redirect_uris: [callback] }],
	claims: { email: ["email", "email_verified"], profile: ["name"] },
	conformIdTokenClaims: false, // the email is in the ID token too
	cookies: { keys: ["a key"] },
	findAccount: (_, login) => ({
		accountId: login,
		claims: () => ({ sub: login, email: `${login}@example.com`, email_verified: true, name: login }),
	}),
	pkce: { required: () => true },
}).callback()
process.stdin.on("end", () => process.exit()).resume()
console.log(issuer)
