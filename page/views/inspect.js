import { View } from "../lib/view.js";

export class InspectView extends View {}
