import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
import { theme } from "./lib/theme.svelte";
import { Playground } from "./state/playground.svelte";
import { FakeTransport } from "./transport/fake";
import { SocketTransport } from "./transport/socket";

theme.start();
const transport =
  import.meta.env.MODE === "fake" ? new FakeTransport() : new SocketTransport(new URL(".", location.href));
const playground = new Playground(transport, sessionStorage);
mount(App, { target: document.getElementById("app")!, props: { playground } });
playground.start(location.hash);
