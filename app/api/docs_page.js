// Starts Swagger UI, and fills `user_id` in from the token once there is one.
const userClaim = document.currentScript.dataset.userClaim;

function userOf(authorizations) {
  for (const { value } of Object.values(authorizations)) {
    try {
      const payload = value.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
      const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
      return JSON.parse(new TextDecoder().decode(bytes))[userClaim];
    } catch {
      continue; // not a JWT
    }
  }
}

function fillUserIn(system, authorizations) {
  const user = userOf(authorizations);
  const spec = system.specSelectors.specJson().toJS();
  if (typeof user !== "string" || !spec.paths) return;
  for (const path of Object.values(spec.paths))
    for (const operation of Object.values(path))
      for (const parameter of operation.parameters ?? [])
        if (parameter.in === "path" && parameter.name === "user_id") parameter.schema.default = user;
  system.specActions.updateJsonSpec(spec);
}

const FillUserIn = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (original, system) => (payload) => {
          original(payload);
          fillUserIn(system, payload);
        },
      },
    },
  },
});

window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: true,
  tryItOutEnabled: true,
  plugins: [FillUserIn],
  onComplete: () => {
    const known = window.ui.authSelectors.authorized().toJS();
    if (Object.keys(known).length) fillUserIn(window.ui.getSystem(), known);
  },
});
