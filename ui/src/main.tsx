// Starts the console in the page.
import { render } from "preact";
import { Shell } from "./shell/shell";
import { keepLinks } from "./state/route";
import "./style/tokens.css";
import "./style/page.css";
import "./style/shell.css";
import "./style/flow.css";
import "./style/parts.css";
import "./style/grid.css";
import "./style/demo.css";
import "./style/steps.css";
import "uplot/dist/uPlot.min.css";

const place = document.getElementById("app");
if (place) {
  keepLinks();
  render(<Shell />, place);
}
